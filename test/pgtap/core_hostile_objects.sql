-- Native code survives tables that are not what it expects, and lends its rights to nobody.
BEGIN;
SELECT plan(11);

-- Anyone may put a trigger of the package on a temporary table of their own.
CREATE TEMPORARY TABLE dated (id integer, updated_at text) ON COMMIT DROP;
INSERT INTO dated VALUES (1, 'never');
CREATE TRIGGER dated_updated_at BEFORE UPDATE ON dated FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();
SELECT throws_ok('UPDATE dated SET id = 2', '39P01', NULL, 'updated_at of another type is refused');

-- A context holds in a parallel query, too.
SELECT saas.create_user('hostile@example.com') AS "user" \gset
SELECT saas.create_team('Hostile', 'hostile-objects', :'user') AS team \gset
SAVEPOINT parallel;
SELECT saas.set_context(:'team', :'user') \g /dev/null
SET LOCAL force_parallel_mode = on;
SET LOCAL ROLE saas_app;
SELECT results_eq(
    'SELECT t.id FROM saas.teams AS t', ARRAY[:'team'::uuid], 'a parallel worker verifies the context'
);
ROLLBACK TO parallel;

-- Secrets that are refused are not repeated.
SELECT saas.set_context(:'team', :'user') \g /dev/null
CREATE FUNCTION pg_temp.refusal(p_provider text, p_tolerance integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_message text;
    v_detail text;
BEGIN
    PERFORM saas.configure_payment_provider(
        saas.current_team_id(), p_provider, ARRAY['whsec_canary'::bytea],
        p_webhook_tolerance_seconds => p_tolerance
    );
    RETURN 'accepted';
EXCEPTION WHEN integrity_constraint_violation OR check_violation OR not_null_violation THEN
    GET STACKED DIAGNOSTICS v_message = MESSAGE_TEXT, v_detail = PG_EXCEPTION_DETAIL;
    RETURN v_message || v_detail;
END
$$;
SELECT is(pg_temp.refusal('stripe', -5), 'the provider cannot be set up like this', 'a tolerance is refused without the row');
SELECT is(pg_temp.refusal(NULL, 5), 'the provider cannot be set up like this', 'and so is a missing provider');

-- A rule that is NULL, which only an owner can bring about.
SAVEPOINT rules;
ALTER TABLE saas.fraud_detection_rules ALTER rule DROP NOT NULL;
ALTER TABLE saas.fraud_detection_rules ALTER name DROP NOT NULL;
INSERT INTO saas.fraud_detection_rules (team_id, name, rule) VALUES (:'team', NULL, NULL);
SELECT is(
    (SELECT jsonb_array_length(e.errors) FROM saas.evaluate_team_rules(:'team', '{"amount": 5}') AS e), 1,
    'a rule that is NULL is a broken rule'
);
ROLLBACK TO rules;

-- What a module reads as saas_internal, and what the log's owner does, leaves nothing behind that would
-- run with the caller's rights later.
SAVEPOINT deferred;
CREATE TABLE public.lured (id integer);
CREATE FUNCTION public.lured() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE CONSTRAINT TRIGGER lured AFTER INSERT ON public.lured DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION public.lured();
GRANT INSERT ON public.lured TO PUBLIC;
CREATE FUNCTION public.lure() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.lured VALUES (1);
    RETURN 'lure';
END
$$;
CREATE FUNCTION public.lure_log() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM public.lure(); RETURN NEW; END';
CREATE TRIGGER lure BEFORE INSERT ON saas.audit_logs FOR EACH ROW EXECUTE FUNCTION public.lure_log();
SELECT throws_ok(
    'UPDATE saas.teams SET name = ''Lured''', '42501', NULL, 'a trigger on the log cannot defer anything'
);
ROLLBACK TO deferred;
SAVEPOINT swapped;
DROP TABLE saas.state_transitions CASCADE;
CREATE FUNCTION public.reader() RETURNS text LANGUAGE sql AS 'SELECT current_user::text';
CREATE VIEW saas.state_transitions AS
SELECT 'payment'::text AS machine, NULL::text AS from_state, public.reader() AS to_state, 1 AS ordinal;
GRANT SELECT ON saas.state_transitions TO saas_internal;
SELECT is(
    saas.possible_states('payment', NULL, 'api'), ARRAY['saas_internal'],
    'machines are read as saas_internal, not as the owner of the table'
);
ROLLBACK TO swapped;

-- The names that the trail asks, given to somebody's own functions.
SAVEPOINT asked;
CREATE TABLE public.noted (id integer);
CREATE TRIGGER noted AFTER INSERT ON public.noted FOR EACH ROW EXECUTE FUNCTION saas.audit_row_change('public.noted', '', '', '');
ALTER SCHEMA saas RENAME TO saas_was;
CREATE SCHEMA saas;
CREATE TABLE saas.audit_logs (LIKE saas_was.audit_logs);
CREATE FUNCTION saas.current_user_id() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()';
INSERT INTO public.noted VALUES (1);
SELECT is(
    (SELECT count(*) FROM (TABLE saas.audit_logs UNION ALL TABLE saas_was.audit_logs) AS l WHERE l.table_name = 'public.noted' AND l.actor_id IS NULL),
    1::bigint, 'the trail calls only functions of the library'
);
ROLLBACK TO asked;

-- The log of a superuser in the database of somebody else.
SAVEPOINT borrowed;
CREATE ROLE hostile_owner;
CREATE FUNCTION public.pass_on() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER pass_on BEFORE INSERT ON saas.audit_logs FOR EACH ROW EXECUTE FUNCTION public.pass_on();
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO hostile_owner', current_database()); END $$;
SELECT throws_ok(
    'UPDATE saas.teams SET name = ''Borrowed''', 'SA003', NULL, 'nothing is written by name with a superuser''s rights'
);
SELECT throws_ok('SELECT * FROM saas.modules()', 'SA003', NULL, 'a superuser reads no records of another role''s');
ROLLBACK TO borrowed;

-- A key that is no key is none.
ALTER TABLE saas.context_keys DROP CONSTRAINT IF EXISTS context_keys_key_check;
ALTER TABLE saas.context_keys ALTER key TYPE bigint USING 4242424242;
SELECT throws_ok(
    format('SELECT saas.sign_context(%L, %L, ''owner'')', :'team', :'user'), 'SA021', NULL,
    'a key of another type is not read'
);
SELECT * FROM finish();
ROLLBACK;
