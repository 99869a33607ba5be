-- Every value of a confidential or restricted column of the package that is long enough to be told from chance, as text,
-- one a line: column, tab, value. Left out are identifiers, which stay what they are, words out of a fixed list in JSON, and
-- the audit trail, which repeats what is not confidential as well. Read with psql -XAtq.
SELECT format(
    'SELECT DISTINCT %L || E''\t'' || v.value FROM (SELECT %s AS value FROM %s AS t) AS v
     WHERE length(v.value) >= 6 AND v.value !~ ''[\\\t\n]'' AND v.value !~ ''^[0-9: .+-]+$''
         AND v.value !~ ''^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$''%s;',
    m.table_name || '.' || m.column_name,
    CASE m.data_type
        WHEN 'bytea' THEN format('encode(t.%I, ''hex'')', m.column_name)
        WHEN 'text[]' THEN format('unnest(t.%I)', m.column_name)
        WHEN 'bytea[]' THEN format('encode(unnest(t.%I), ''hex'')', m.column_name)
        WHEN 'jsonb' THEN format('jsonb_path_query(t.%I, ''$.** ? (@.type() == "string")'') #>> ''{}''', m.column_name)
        ELSE format('t.%I::text', m.column_name)
    END,
    m.table_name,
    CASE m.data_type WHEN 'jsonb' THEN ' AND v.value !~ ''^[a-z_. ]+$''' ELSE '' END
)
FROM saas.personal_data_map AS m
WHERE m.classification IN ('confidential', 'restricted') AND m.table_name <> 'saas.audit_logs'
    AND (m.classification = 'restricted' OR m.basis IS DISTINCT FROM 'about no person')
\gexec
