-- How the audit trail writes values of each type: alike in every session, and without running code of
-- a type's owner.
BEGIN;
SELECT plan(37);

CREATE TYPE public.audit_mood AS ENUM ('happy', 'grim');
CREATE TYPE public.audit_pair AS (left_side integer, "Right, side" text[]);
CREATE DOMAIN public.audit_positive AS integer CHECK (value > 0);
CREATE TABLE public.audited_types (
    id bigint PRIMARY KEY,
    c_bool boolean,
    c_int2 smallint,
    c_int4 integer,
    c_int8 bigint,
    c_numeric numeric,
    c_float4 real,
    c_float8 double precision,
    c_text text,
    c_varchar varchar(10),
    c_char char(5),
    c_name name,
    c_uuid uuid,
    c_date date,
    c_time time,
    c_timestamp timestamp,
    c_timestamptz timestamptz,
    c_interval interval,
    c_bytea bytea,
    c_json json,
    c_jsonb jsonb,
    c_ints integer[],
    c_texts text[],
    c_grid integer[][],
    c_pair public.audit_pair,
    c_pairs public.audit_pair[],
    c_mood public.audit_mood,
    c_positive public.audit_positive,
    c_range int4range,
    c_inet inet
);
SELECT saas.audit_table('public.audited_types') \g /dev/null

-- What a row looks like in the trail when its column is set to a value.
CREATE FUNCTION pg_temp.recorded(p_column text, p_value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_recorded text;
BEGIN
    EXECUTE format('INSERT INTO public.audited_types (id, %I) VALUES (1, %s)', p_column, p_value);
    SELECT (l.new_values -> p_column)::text INTO v_recorded
    FROM saas.audit_logs AS l
    WHERE l.table_name = 'public.audited_types'
    ORDER BY l.created_at DESC, l.id DESC LIMIT 1;
    DELETE FROM public.audited_types;
    RETURN v_recorded;
END
$$;

-- Settings that change how values look elsewhere, and must not here.
SET LOCAL timezone = 'America/Havana';
SET LOCAL datestyle = 'SQL, DMY';
SET LOCAL intervalstyle = 'postgres_verbose';
SET LOCAL bytea_output = 'escape';
SET LOCAL extra_float_digits = -5;

SELECT is(pg_temp.recorded('c_bool', 'true'), 'true', 'boolean');
SELECT is(pg_temp.recorded('c_int2', '-32768'), '-32768', 'smallint');
SELECT is(pg_temp.recorded('c_int4', '2147483647'), '2147483647', 'integer');
SELECT is(pg_temp.recorded('c_int8', '-9223372036854775808'), '-9223372036854775808', 'bigint');
SELECT is(pg_temp.recorded('c_numeric', '1.500'), '1.500', 'numeric keeps its scale');
SELECT is(pg_temp.recorded('c_numeric', '''NaN'''), '"NaN"', 'numeric NaN is text');
SELECT is(pg_temp.recorded('c_numeric', '''-Infinity'''), '"-Infinity"', 'numeric infinity is text');
SELECT is(pg_temp.recorded('c_float4', '0.1'), '0.1', 'real, shortest exact');
SELECT is(pg_temp.recorded('c_float8', '0.1::float8 + 0.2::float8'), '0.30000000000000004', 'double precision, shortest exact');
SELECT is(pg_temp.recorded('c_float8', '''Infinity'''), '"Infinity"', 'infinity is text');
SELECT is(pg_temp.recorded('c_text', '''a "b" \ ü'''), '"a \"b\" \\ ü"', 'text');
SELECT is(pg_temp.recorded('c_text', ''''''), '""', 'empty text');
SELECT is(pg_temp.recorded('c_varchar', '''abc'''), '"abc"', 'varchar');
SELECT is(pg_temp.recorded('c_char', '''ab'''), '"ab   "', 'char keeps its length');
SELECT is(pg_temp.recorded('c_name', '''who'''), '"who"', 'name');
SELECT is(pg_temp.recorded('c_uuid', '''0190A000-0000-7000-8000-00000000ABCD'''), '"0190a000-0000-7000-8000-00000000abcd"', 'uuid');
SELECT is(pg_temp.recorded('c_date', '''2026-01-31''::date'), '"2026-01-31"', 'date');
SELECT is(pg_temp.recorded('c_time', '''12:30:00.5'''), '"12:30:00.5"', 'time');
SELECT is(pg_temp.recorded('c_timestamp', '''2026-01-31 12:30''::timestamp'), '"2026-01-31T12:30:00"', 'timestamp');
SELECT is(pg_temp.recorded('c_timestamptz', '''2026-01-31 12:30:00.123456+02'''), '"2026-01-31T10:30:00.123456+00:00"', 'timestamptz in UTC');
SELECT is(pg_temp.recorded('c_timestamptz', '''infinity'''), '"infinity"', 'infinite timestamptz');
SELECT is(pg_temp.recorded('c_interval', '''1 year 2 days 3.5 seconds'''), '"P1Y2DT3.5S"', 'interval in ISO 8601');
SELECT is(pg_temp.recorded('c_bytea', '''\x00ff41'''), '"\\x00ff41"', 'bytea in hexadecimal');
SELECT is(pg_temp.recorded('c_json', '''{"b":1,  "b":"\u0000"}'''), to_jsonb('{"b":1,  "b":"\u0000"}'::text)::text, 'json as it was written, also what jsonb would refuse');
SELECT is(pg_temp.recorded('c_jsonb', '''{"b": [1, {"c": null}], "a": ""}'''), '{"a": "", "b": [1, {"c": null}]}', 'jsonb object');
SELECT is(pg_temp.recorded('c_jsonb', '''"scalar"'''), '"scalar"', 'jsonb scalar');
SELECT is(pg_temp.recorded('c_jsonb', '''[]'''), '[]', 'empty jsonb array');
SELECT is(pg_temp.recorded('c_ints', '''{1,NULL,3}'''), '[1, null, 3]', 'array with NULL');
SELECT is(pg_temp.recorded('c_texts', '''{}'''), '[]', 'empty array');
SELECT is(pg_temp.recorded('c_grid', '''{{1,2},{3,4}}'''), '[[1, 2], [3, 4]]', 'array of two dimensions');
SELECT is(pg_temp.recorded('c_pair', 'ROW(1, ''{a,b}'')'), '{"left_side": 1, "Right, side": ["a", "b"]}', 'composite');
SELECT is(pg_temp.recorded('c_pairs', 'ARRAY[ROW(1, NULL)::public.audit_pair]'), '[{"left_side": 1, "Right, side": null}]', 'array of composites');
SELECT is(pg_temp.recorded('c_mood', '''happy'''), '"happy"', 'enum');
SELECT is(pg_temp.recorded('c_positive', '7'), '7', 'domain, as its base type');
SELECT is(pg_temp.recorded('c_range', '''[1,5)'''), '"[1,5)"', 'range');
SELECT is(pg_temp.recorded('c_inet', '''10.0.0.1/8'''), '"10.0.0.1/8"', 'inet');

-- More columns than jsonb notes offsets for, and as to_jsonb() would write them.
DO $$
BEGIN
    EXECUTE 'CREATE TABLE public.audited_wide (id uuid PRIMARY KEY, '
        || (SELECT string_agg(format('column_%s %s', i, CASE i % 3 WHEN 0 THEN 'text' WHEN 1 THEN 'integer' ELSE 'jsonb' END), ', ')
            FROM generate_series(1, 200) AS i) || ')';
    PERFORM saas.audit_table('public.audited_wide');
    EXECUTE 'INSERT INTO public.audited_wide SELECT gen_random_uuid(), '
        || (SELECT string_agg(CASE i % 3 WHEN 0 THEN format('repeat(%L, %s)', 'x', i) WHEN 1 THEN i::text
                ELSE format('jsonb_build_array(%s, NULL, %L)', i, repeat('y', i % 5)) END, ', ')
            FROM generate_series(1, 200) AS i);
END
$$;
SELECT is(
    (SELECT l.new_values FROM saas.audit_logs AS l WHERE l.table_name = 'public.audited_wide'),
    (SELECT to_jsonb(w) FROM public.audited_wide AS w),
    'a row of 201 columns reads like to_jsonb() of it'
);

SELECT * FROM finish();
ROLLBACK;
