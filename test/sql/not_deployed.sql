-- The extension alone, before saas.deploy(): what asks for the package says so, and nobody is anyone.
\set VERBOSITY sqlstate
SELECT saas.current_team_id(), saas.current_user_id(), saas.current_team_role();
SELECT saas.sign_context('01a1fd68-2106-7710-a92e-1e010e039ba9', NULL, 'service');
SELECT saas.state_reachable('payment', 'pending', 'paid');
SELECT saas.evaluate_team_rules('01a1fd68-2106-7710-a92e-1e010e039ba9', '{}');
SELECT saas.authenticate_api_key('sk_live_agjnh4aaab5lzdppaerukz4jvmazfu7qceixvpen54asgrlhrgwacaqdaqcqmbyibefawdanbyhraeiscp7qzn3r');
SELECT saas.credential_hash('kind', 'secret');
SELECT saas.gdpr_export_user_data(NULL);
SELECT saas.gdpr_export_user_json(NULL);
SELECT saas.has_scope('anything'), saas.current_scopes(), saas.current_api_key_id();

-- A dry run that fails leaves nothing behind, not even its subtransaction.
SELECT * FROM saas.deploy(ARRAY['nope'], dry_run => true);
SELECT to_regclass('saas.schema_migrations');
DO $$
BEGIN
    BEGIN
        PERFORM saas.deploy(ARRAY['nope'], dry_run => true);
    EXCEPTION WHEN invalid_parameter_value THEN
        CREATE TABLE made_after_failure ();
    END;
END
$$;
SELECT count(*) FROM made_after_failure;

-- Trusted settings name a member only once there are members.
SET saas.trusted_settings = on;
SET app.current_user_id = '01a1fd68-2106-7710-a92e-1e010e039ba9';
SET app.current_team_id = '01a1fd68-2106-7710-a92e-1e010e039ba9';
SELECT saas.current_team_id(), saas.current_user_id(), saas.current_team_role();
