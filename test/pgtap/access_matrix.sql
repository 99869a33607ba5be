-- For every table, every role and every command: what is allowed and what is denied, tried as the role
-- concerned, with the context of the own team, of another team and without one. The tables come from the
-- catalog: one that this file does not know, or whose fixture has no row in both teams, fails.
BEGIN;
SELECT no_plan();

-- Rights by table: S select, I insert, U update, D delete (of the table or of some of its columns).
CREATE TEMPORARY TABLE expected (table_name text PRIMARY KEY, app text, service text, analyst text, readable boolean);
INSERT INTO expected VALUES
    -- readable: the owner of a team sees rows of the own team
    ('users', 'SU', 'SU', '', true),
    ('teams', 'SU', 'SU', 'S', true),
    ('team_members', 'S', 'S', 'S', true),
    ('team_invitations', 'S', 'S', 'S', true),
    ('user_sessions', 'S', 'S', '', true),
    ('addresses', 'SIUD', 'SIUD', 'S', true),
    ('notifications', 'S', 'S', 'S', true),
    ('notification_preferences', 'S', 'S', '', true),
    ('activity_logs', 'S', 'S', 'S', true),
    ('audit_logs', 'S', 'S', '', true),
    ('audit_leaves', 'S', 'S', '', true),
    ('audit_salts', '', '', '', false),
    ('audit_checkpoints', 'S', 'S', '', true),
    ('audit_redactions', 'S', 'S', '', true),
    ('audit_keys', '', '', '', false),
    ('audit_sealing', '', '', '', false),
    ('audited_tables', '', '', '', false),
    ('schema_catalog', '', '', '', false),
    ('encryption_keys', 'S', 'S', '', true),
    ('encryption_key_epochs', 'S', 'S', '', true),
    ('encryption_schedules', 'S', 'S', '', true),
    ('encryption_rotations', '', 'S', '', false),
    ('encryption_home', '', '', '', false),
    ('key_access_logs', 'S', 'S', 'S', true),
    ('key_access_positions', '', '', '', false),
    ('data_classifications', 'S', 'S', 'S', true),
    ('data_assets', 'S', 'S', 'S', true),
    ('payment_providers', 'S', 'S', 'S', true),
    ('payment_intents', 'S', 'S', 'S', true),
    ('payments', 'S', 'S', 'S', true),
    ('payment_transactions', 'S', 'S', 'S', true),
    ('refunds', 'S', 'S', 'S', true),
    ('payment_disputes', 'S', 'S', 'S', true),
    ('payouts', 'S', 'S', 'S', true),
    ('payout_holds', 'S', 'S', 'S', true),
    ('payout_schedules', 'S', 'S', 'S', true),
    ('payment_fees', 'S', 'S', 'S', true),
    ('payout_items', 'S', 'S', 'S', true),
    ('payout_reserves', 'S', 'S', 'S', true),
    ('dispute_evidence', 'S', 'S', 'S', true),
    ('payment_sessions', 'S', 'S', 'S', true),
    ('payment_method_tokens', 'S', 'S', 'S', true),
    ('order_numbers', 'S', 'S', 'S', true),
    ('compliance_settings', 'S', 'S', 'S', true),
    ('customer_verifications', 'S', 'S', 'S', true),
    ('watchlist_entries', '', 'S', '', false),
    ('team_watchlist_entries', 'S', 'S', '', true),
    ('aml_thresholds', 'S', 'S', 'S', true),
    ('aml_alerts', 'S', 'S', 'S', true),
    ('payment_analytics', 'S', 'S', 'S', true),
    ('payment_analytics_changes', '', '', '', false),
    ('decline_reasons', 'S', 'S', 'S', true),
    ('decline_codes', 'S', 'S', 'S', true),
    ('idempotency_keys', 'S', 'S', '', true),
    ('provider_requests', 'S', 'S', 'S', true),
    ('webhook_events', 'S', 'S', 'S', true),
    ('webhook_certificates', 'S', 'S', 'S', true),
    ('provider_status_map', 'S', 'S', 'S', true),
    ('provider_object_keys', 'S', 'S', 'S', true),
    ('fraud_detection_rules', 'SIUD', 'SIUD', 'S', true),
    ('fraud_assessments', 'S', 'S', 'S', true),
    ('fraud_lists', 'SIUD', 'SIUD', 'S', true),
    ('fraud_list_items', 'SIUD', 'SIUD', 'S', true),
    ('fraud_list_changes', 'S', 'S', 'S', true),
    ('exchange_rates', 'S', 'S', 'S', true),
    ('fraud_models', 'S', 'S', 'S', true),
    ('fraud_settings', 'S', 'S', 'S', true),
    ('platform_fraud_rules', '', 'S', '', false),
    ('fraud_rule_sets', '', '', '', false),
    ('fraud_assessment_terms', '', '', '', false),
    ('fraud_reviews', 'S', 'S', 'S', true),
    ('fraud_snoozes', 'S', 'S', 'S', true),
    ('ledger_accounts', 'S', 'S', 'S', true),
    ('ledger_transactions', 'S', 'S', 'S', true),
    ('ledger_entries', 'S', 'S', 'S', true),
    ('ledger_balances', 'S', 'S', 'S', true),
    ('subscription_plans', 'S', 'S', 'S', true),
    ('subscriptions', 'S', 'S', 'S', true),
    ('subscription_changes', 'S', 'S', 'S', true),
    ('revenue_presets', 'S', 'S', 'S', true),
    ('revenue_policies', 'S', 'S', 'S', true),
    ('product_events', 'S', 'S', 'S', true),
    ('service_measurements', 'S', 'S', 'S', true),
    ('currencies', 'S', 'S', 'S', true),
    ('provider_currency_exponents', 'S', 'S', 'S', true),
    ('state_transitions', 'S', 'S', 'S', true),
    ('jwt_issuers', 'S', 'S', '', true),
    ('jwt_keys', 'S', 'S', '', true),
    ('api_keys', 'S', 'S', 'S', true),
    ('api_key_activity', 'S', 'S', 'S', true),
    ('api_key_usage_logs', 'S', 'S', 'S', true),
    ('credential_keys', '', '', '', false),
    ('mfa_factors', 'S', 'S', '', true),
    ('mfa_codes', '', '', '', false),
    ('mfa_hardware_keys', 'S', 'S', '', true),
    ('mfa_challenges', '', '', '', false),
    ('mfa_recovery_codes', 'S', 'S', '', true),
    ('credential_attempts', 'S', 'S', '', true),
    ('user_tokens', 'S', 'S', '', true),
    ('rollup_sources', '', '', '', false),
    ('rollups', '', '', '', false),
    ('rollup_calendars', 'S', 'S', 'S', true),
    ('rollup_changes', 'S', 'S', 'S', true),
    ('usage_metrics', 'S', 'S', 'S', true),
    ('usage_metrics_hour', 'S', 'S', 'S', true),
    ('usage_metrics_day', 'S', 'S', 'S', true),
    ('usage_metrics_week', 'S', 'S', 'S', true),
    ('usage_metrics_month', 'S', 'S', 'S', true),
    ('personal_data_links', '', 'S', '', false),
    ('personal_data_columns', '', 'S', '', false),
    ('personal_data_proposals', '', 'S', '', false),
    ('legal_holds', '', 'S', '', false),
    ('retention_policies', 'S', 'S', 'S', true),
    ('user_deletion_requests', 'S', 'S', '', false),
    ('erasure_steps', '', 'S', '', false),
    ('erasure_rows', '', '', '', false),
    ('erasure_needles', '', '', '', false),
    ('privacy_recipients', '', 'S', '', false),
    ('privacy_events', '', 'S', '', false),
    ('data_exports', 'S', 'S', '', false),
    ('data_export_chunks', '', '', '', false),
    ('processing_purposes', 'S', 'S', 'S', true),
    ('consent_texts', 'S', 'S', 'S', true),
    ('consent_records', 'S', 'S', '', false),
    ('processing_restrictions', 'S', 'S', '', false),
    ('masking_rules', '', 'S', '', false),
    ('context_keys', '', '', '', false),
    ('schema_migrations', '', '', '', false),
    ('schema_definitions', '', '', '', false),
    ('schema_objects', '', '', '', false);

\ir include/two_teams.sql

SELECT set_eq(
    $$SELECT relname::text FROM pg_class WHERE relnamespace = 'saas'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition$$,
    'SELECT table_name FROM expected',
    'the matrix knows every table');

CREATE FUNCTION pg_temp.rights(p_role text, p_table text) RETURNS text LANGUAGE sql AS $$
    SELECT concat(
        CASE WHEN has_any_column_privilege(p_role, 'saas.' || p_table, 'SELECT') THEN 'S' END,
        CASE WHEN has_any_column_privilege(p_role, 'saas.' || p_table, 'INSERT') THEN 'I' END,
        CASE WHEN has_any_column_privilege(p_role, 'saas.' || p_table, 'UPDATE') THEN 'U' END,
        CASE WHEN has_table_privilege(p_role, 'saas.' || p_table, 'DELETE') THEN 'D' END)
$$;
SELECT is(pg_temp.rights('saas_app', e.table_name), e.app, 'rights of saas_app on ' || e.table_name) FROM expected AS e;
SELECT is(pg_temp.rights('saas_service', e.table_name), e.service, 'rights of saas_service on ' || e.table_name) FROM expected AS e;
SELECT is(pg_temp.rights('saas_analyst', e.table_name), e.analyst, 'rights of saas_analyst on ' || e.table_name) FROM expected AS e;
SELECT is(pg_temp.rights('saas_anonymous', e.table_name), '', 'saas_anonymous has no right on ' || e.table_name) FROM expected AS e;
SELECT is(
    (SELECT string_agg(a.privilege_type, ',') FROM pg_class AS c CROSS JOIN aclexplode(c.relacl) AS a
     WHERE c.oid = ('saas.' || e.table_name)::regclass AND a.privilege_type IN ('TRUNCATE', 'TRIGGER', 'REFERENCES')
        AND a.grantee <> c.relowner),
    NULL, 'nobody may truncate, reference or attach triggers to ' || e.table_name)
FROM expected AS e;
SELECT is(
    (SELECT count(*)::integer FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid AND c.relkind = 'r'
     WHERE c.relnamespace = 'saas'::regnamespace
        AND (NOT (c.relrowsecurity AND c.relforcerowsecurity)
            OR EXISTS (SELECT FROM aclexplode(c.relacl) AS a WHERE a.grantee <> c.relowner))),
    0, 'partitions have row-level security of their own and no grants');

-- Analysts read no column that holds personal data or secrets.
SELECT is(
    (SELECT string_agg(c.relname || '.' || a.attname, ', ')
     FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
     WHERE c.relnamespace = 'saas'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND a.attnum > 0 AND NOT a.attisdropped
        AND has_column_privilege('saas_analyst', c.oid, a.attnum, 'SELECT')
        AND col_description(c.oid, a.attnum) ~ '\[(confidential|restricted)\]$'),
    NULL, 'saas_analyst reads no confidential and no restricted column');
SELECT is(
    (SELECT string_agg(c.relname || '.' || a.attname, ', ')
     FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid CROSS JOIN (VALUES ('saas_app'), ('saas_service')) AS r (name)
     WHERE c.relnamespace = 'saas'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND a.attnum > 0 AND NOT a.attisdropped
        AND has_column_privilege(r.name, c.oid, a.attnum, 'SELECT')
        AND col_description(c.oid, a.attnum) ~ '\[restricted\]$'),
    NULL, 'applications and workers read no restricted column');

-- Tables whose rows belong to a user, whatever team the user acts in.
CREATE TEMPORARY TABLE of_users (table_name text PRIMARY KEY);
INSERT INTO of_users VALUES ('users'), ('user_sessions'), ('mfa_factors'), ('mfa_hardware_keys'), ('mfa_recovery_codes'), ('credential_attempts'), ('user_tokens');

-- Every row of the table that belongs to the team, digested; read without row-level security.
CREATE FUNCTION pg_temp.team_column(p_table text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE
        WHEN p_table IN ('teams', 'users') THEN 'id'
        WHEN p_table IN (SELECT o.table_name FROM of_users AS o) THEN 'user_id'
        ELSE 'team_id'
    END
$$;
CREATE FUNCTION pg_temp.digest(p_table text, p_key uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_digest text;
BEGIN
    EXECUTE format('SELECT md5(string_agg(t::text, %L ORDER BY t::text)) FROM saas.%I AS t WHERE %I = $1', '|', p_table, pg_temp.team_column(p_table))
    INTO v_digest USING p_key;
    RETURN v_digest;
END
$$;

-- Executes a statement as a role, undoes it, and says how it ended: rows=N or the SQLSTATE.
CREATE FUNCTION pg_temp.outcome(p_role text, p_statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_rows bigint;
    v_outcome text;
BEGIN
    BEGIN
        EXECUTE format('SET LOCAL ROLE %I', p_role);
        IF p_statement LIKE 'SELECT%' THEN
            EXECUTE p_statement INTO v_rows;
        ELSE
            EXECUTE p_statement;
            GET DIAGNOSTICS v_rows = ROW_COUNT;
        END IF;
        RAISE EXCEPTION USING ERRCODE = 'P9999', MESSAGE = 'rows=' || v_rows;
    EXCEPTION
        WHEN SQLSTATE 'P9999' THEN v_outcome := SQLERRM;
        WHEN OTHERS THEN v_outcome := SQLSTATE;
    END;
    RETURN v_outcome;
END
$$;

-- One column that the role may update, or any column when it may update none.
CREATE FUNCTION pg_temp.some_column(p_role text, p_table text) RETURNS text LANGUAGE sql AS $$
    SELECT a.attname::text FROM pg_attribute AS a
    WHERE a.attrelid = ('saas.' || p_table)::regclass AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY has_column_privilege(p_role, a.attrelid, a.attnum, 'UPDATE') DESC, a.attnum LIMIT 1
$$;

CREATE FUNCTION pg_temp.try_everything(p_table text, p_role text, p_rights text, p_readable boolean, p_own uuid, p_foreign uuid)
RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    v_key text := pg_temp.team_column(p_table);
    v_label text := format(' (%s, %s)', p_role, p_table);
    v_rows text;
    v_others text := pg_temp.digest(p_table, p_foreign);
BEGIN
    RETURN NEXT ok(pg_temp.digest(p_table, p_own) IS NOT NULL AND v_others IS NOT NULL, 'the fixture has rows of both teams' || v_label);

    -- Reading: own rows only.
    v_rows := pg_temp.outcome(p_role, format('SELECT count(*) FROM saas.%I', p_table));
    IF p_rights LIKE '%S%' THEN
        RETURN NEXT ok(v_rows LIKE 'rows=%' AND (v_rows <> 'rows=0') = p_readable, 'reads own rows' || v_label || ' ' || v_rows);
        RETURN NEXT is(pg_temp.outcome(p_role, format('SELECT count(*) FROM saas.%I WHERE %I = %L', p_table, v_key, p_foreign)),
            'rows=0', 'sees no row of another team' || v_label);
    ELSE
        RETURN NEXT is(v_rows, '42501', 'may not read' || v_label);
    END IF;

    -- Writing into, changing and deleting rows of another team: an error or nothing, and never a change.
    v_rows := pg_temp.outcome(p_role, format('INSERT INTO saas.%I (%I) VALUES (%L)', p_table, v_key, p_foreign));
    RETURN NEXT is(v_rows, '42501', 'inserts nothing into another team' || v_label);
    v_rows := pg_temp.outcome(p_role, format('UPDATE saas.%1$I SET %2$I = %2$I WHERE %3$I = %4$L', p_table, pg_temp.some_column(p_role, p_table), v_key, p_foreign));
    RETURN NEXT ok(v_rows = CASE WHEN p_rights LIKE '%U%' THEN 'rows=0' ELSE '42501' END, 'changes no row of another team' || v_label || ' ' || v_rows);
    v_rows := pg_temp.outcome(p_role, format('DELETE FROM saas.%I WHERE %I = %L', p_table, v_key, p_foreign));
    RETURN NEXT ok(v_rows = CASE WHEN p_rights LIKE '%D%' THEN 'rows=0' ELSE '42501' END, 'deletes no row of another team' || v_label || ' ' || v_rows);
    RETURN NEXT is(pg_temp.outcome(p_role, format('TRUNCATE saas.%I CASCADE', p_table)), '42501', 'may not truncate' || v_label);

    -- Own rows: what is not in the matrix is refused.
    IF p_rights NOT LIKE '%I%' THEN
        RETURN NEXT is(pg_temp.outcome(p_role, format('INSERT INTO saas.%I (%I) VALUES (%L)', p_table, v_key, p_own)), '42501', 'may not insert' || v_label);
    END IF;
    IF p_rights LIKE '%U%' THEN
        v_rows := pg_temp.outcome(p_role, format('UPDATE saas.%1$I SET %2$I = %2$I WHERE %3$I = %4$L', p_table, pg_temp.some_column(p_role, p_table), v_key, p_own));
        RETURN NEXT ok(v_rows LIKE 'rows=%' AND v_rows <> 'rows=0', 'changes own rows' || v_label || ' ' || v_rows);
    END IF;
    IF p_rights LIKE '%D%' THEN
        v_rows := pg_temp.outcome(p_role, format('DELETE FROM saas.%I WHERE %I = %L', p_table, v_key, p_own));
        RETURN NEXT ok(v_rows LIKE 'rows=%' AND v_rows <> 'rows=0', 'deletes own rows' || v_label || ' ' || v_rows);
    END IF;
    RETURN NEXT is(pg_temp.digest(p_table, p_foreign), v_others, 'the other team''s rows are as they were' || v_label);
END
$$;

SELECT saas.set_context(:'red', :'ann');
SELECT pg_temp.try_everything(e.table_name, r.role, r.rights, e.readable,
    CASE WHEN e.table_name IN (SELECT o.table_name FROM of_users AS o) THEN :'ann' ELSE :'red' END::uuid,
    CASE WHEN e.table_name IN (SELECT o.table_name FROM of_users AS o) THEN :'bob' ELSE :'blue' END::uuid)
FROM expected AS e
JOIN saas.declared_tables() AS d ON d.table_name = e.table_name
CROSS JOIN LATERAL (VALUES ('saas_app', e.app), ('saas_service', e.service), ('saas_analyst', e.analyst), ('saas_anonymous', '')) AS r (role, rights)
WHERE d.kind = 'tenant'
    OR e.table_name IN ('teams', 'jwt_issuers', 'jwt_keys')
    OR e.table_name IN (SELECT o.table_name FROM of_users AS o)
ORDER BY e.table_name, r.role;

-- Without a context, and with one that has ended, there is no row.
SELECT saas.clear_context();
SELECT is(pg_temp.outcome(r.role, format('SELECT count(*) FROM saas.%I', e.table_name)),
    CASE WHEN pg_temp.rights(r.role, e.table_name) LIKE '%S%' THEN 'rows=0' ELSE '42501' END,
    'no row without a context (' || r.role || ', ' || e.table_name || ')')
FROM expected AS e
JOIN saas.declared_tables() AS d ON d.table_name = e.table_name
CROSS JOIN (VALUES ('saas_app'), ('saas_service'), ('saas_analyst'), ('saas_anonymous')) AS r (role)
WHERE d.kind = 'tenant'
    OR e.table_name IN ('teams', 'jwt_issuers', 'jwt_keys')
    OR e.table_name IN (SELECT o.table_name FROM of_users AS o)
ORDER BY e.table_name, r.role;

-- The whole team's rows disappear for a member who is suspended or removed: no context to be had.
RESET ROLE;
SELECT throws_ok(format('SELECT saas.set_context(%L, %L)', :'red', :'suspended'), '42501', NULL, 'a suspended member gets no context');
SELECT throws_ok(format('SELECT saas.set_context(%L, %L)', :'red', :'invited'), '42501', NULL, 'an invited member gets none yet');
SELECT throws_ok(format('SELECT saas.set_context(%L, %L)', :'red', :'removed'), '42501', NULL, 'a removed member gets none');
SELECT * FROM finish();
ROLLBACK;
