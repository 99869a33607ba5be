-- Whatever is wrong with a call, its error shows no row: every function of the package that writes with the rights of
-- its owner and takes texts or numbers of a caller, each parameter made wrong in turn.
BEGIN;
SELECT no_plan();
\ir include/payments.sql
SELECT (pg_temp.deliver(pg_temp.event('evt_1', 50, pg_temp.charge('ch_1', NULL, 'succeeded', true)))).outcome \g /dev/null
SELECT (pg_temp.deliver(pg_temp.event('evt_2', 50, pg_temp.dispute('dp_1', 'ch_1', 100, 'needs_response')))).outcome \g /dev/null
SELECT s.id FROM saas.set_payout_schedule(pg_temp.team(), 'stripe', 'usd', 'manual') AS s \g /dev/null
CREATE TEMPORARY TABLE parts ON COMMIT DROP AS
SELECT p.oid::regprocedure AS function, p.proname, p.pronargs - p.pronargdefaults AS required, a.n, a.name, a.type
FROM pg_proc AS p
CROSS JOIN LATERAL unnest(p.proargnames[1:p.pronargs], p.proargtypes::oid[]) WITH ORDINALITY AS a (name, type, n)
WHERE p.pronamespace = 'saas'::regnamespace AND p.prosecdef AND p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype
    AND p.prosrc ~ '(INSERT INTO|UPDATE) saas\.(payment|payout|refund|provider_req|dispute|customer_ver|compliance|team_watch|watchlist|aml|order_numbers|idempot|exchange|webhook)';
-- What makes sense for a parameter.
CREATE FUNCTION pg_temp.fitting(p_name text, p_type oid) RETURNS text LANGUAGE sql AS $$
    SELECT COALESCE(CASE p_name
        WHEN 'p_team' THEN quote_literal(pg_temp.team())
        WHEN 'p_payment' THEN quote_literal((pg_temp.payment('ch_1')).id)
        WHEN 'p_dispute' THEN (SELECT quote_literal(d.id) FROM saas.payment_disputes AS d WHERE d.team_id = pg_temp.team())
        WHEN 'p_provider' THEN '''stripe''' WHEN 'p_currency' THEN '''usd''' WHEN 'p_base' THEN '''EUR''' WHEN 'p_quote' THEN '''USD''' WHEN 'p_frequency' THEN '''manual'''
        WHEN 'p_idempotency_key' THEN quote_literal('key-' || gen_random_uuid()) WHEN 'p_provider_dispute_ref' THEN quote_literal('dp-' || gen_random_uuid())
        WHEN 'p_provider_customer_id' THEN '''cus_1''' WHEN 'p_level' THEN '''basic''' WHEN 'p_kind' THEN '''receipt''' WHEN 'p_status' THEN '''paid'''
    END, CASE p_type WHEN 'text'::regtype THEN quote_literal('Secret ' || gen_random_uuid()) WHEN 'jsonb'::regtype THEN '''{}''' WHEN 'uuid'::regtype THEN quote_literal(gen_random_uuid())
        WHEN 'timestamptz'::regtype THEN 'now() - interval ''1 hour''' WHEN 'date'::regtype THEN 'current_date' WHEN 'boolean'::regtype THEN 'true' WHEN 'interval'::regtype THEN '''1 day'''
        WHEN 'bytea[]'::regtype THEN '''{Secretkey}''' WHEN 'bytea'::regtype THEN '''Secret''' WHEN 'text[]'::regtype THEN '''{x}''' ELSE '5' END)
$$;
-- What does not: for a type.
CREATE FUNCTION pg_temp.wrong(p_type oid) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT 'NULL' UNION ALL
    SELECT unnest(CASE p_type
        WHEN 'text'::regtype THEN ARRAY['''''', '''Secret''', 'repeat(''Secret '', 900)', '''12:61''']
        WHEN 'jsonb'::regtype THEN ARRAY['''"Secret"''', '''[1, {"Secret": []}]''', 'jsonb_build_object(repeat(''Secret'', 99), repeat(''x'', 9000))']
        WHEN 'timestamptz'::regtype THEN ARRAY['''infinity''', '''-infinity''', '''2999-01-01''']
        WHEN 'date'::regtype THEN ARRAY['''infinity''', '''0001-01-01''']
        WHEN 'uuid'::regtype THEN ARRAY['''00000000-0000-0000-0000-000000000000''']
        WHEN 'time'::regtype THEN ARRAY['''24:00''']
        WHEN 'interval'::regtype THEN ARRAY['''-1 day''', '''9999 years''']
        WHEN 'bytea[]'::regtype THEN ARRAY['''{}''', 'ARRAY[NULL::bytea]', 'array_fill(''Secret''::bytea, ARRAY[99])']
        WHEN 'text[]'::regtype THEN ARRAY['''{}''', '''{NULL,Secret}''']
        WHEN 'numeric'::regtype THEN ARRAY['-1', '0', '''NaN''', '1e30', '1e-30']
        WHEN 'integer'::regtype THEN ARRAY['-1', '0', '400', '2147483647']
        WHEN 'bigint'::regtype THEN ARRAY['-1', '0', '9223372036854775807']
        ELSE '{}' END)
$$;
CREATE FUNCTION pg_temp.call_of(p_function regprocedure, p_n bigint, p_wrong text) RETURNS text LANGUAGE sql AS $$
    SELECT format('SELECT saas.%I(%s)', p.proname, string_agg(format('%I => (%s)::%s', p.name, CASE p.n WHEN p_n THEN p_wrong ELSE pg_temp.fitting(p.name, p.type) END, p.type::regtype), ', ' ORDER BY p.n))
    FROM parts AS p
    WHERE p.function = p_function AND (p.n <= p.required OR p.n = p_n)
    GROUP BY p.proname
$$;
-- What an error tells of a row; NULL when it tells nothing. What the call has done is undone.
CREATE FUNCTION pg_temp.shown(p_call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE v_all text;
BEGIN
    EXECUTE p_call;
    SET CONSTRAINTS ALL IMMEDIATE;
    RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = 'undo';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS v_all = PG_EXCEPTION_DETAIL;
    RETURN CASE WHEN v_all LIKE '%Failing row%' OR v_all LIKE 'Key (%Secret%' THEN left(p_call, 300) || ' -> ' || left(v_all, 200) END;
END $$;
CREATE TEMPORARY TABLE told ON COMMIT DROP AS
SELECT p.function, pg_temp.shown(pg_temp.call_of(p.function, p.n, w.wrong)) AS shown
FROM parts AS p
CROSS JOIN LATERAL pg_temp.wrong(p.type) AS w (wrong)
WHERE p.name <> 'p_team';
SELECT cmp_ok((SELECT count(DISTINCT t.function) FROM told AS t), '>', 30::bigint, 'many functions were called');
SELECT is((SELECT string_agg(t.shown, E'\n') FROM told AS t), NULL, 'no error shows a row');
SELECT * FROM finish();
ROLLBACK;
