-- The request context. Policies call these functions, so they read no table.
CREATE OR REPLACE FUNCTION saas.current_team_id()
RETURNS uuid
LANGUAGE c STABLE LEAKPROOF PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_current_team_id';
COMMENT ON FUNCTION saas.current_team_id() IS
'The team of the request context; NULL without one, so that a policy then shows no row.';

CREATE OR REPLACE FUNCTION saas.current_user_id()
RETURNS uuid
LANGUAGE c STABLE LEAKPROOF PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_current_user_id';
COMMENT ON FUNCTION saas.current_user_id() IS
'The user of the request context; NULL without one, and NULL for a worker that acts for nobody.';

CREATE OR REPLACE FUNCTION saas.current_team_role()
RETURNS text
LANGUAGE c STABLE LEAKPROOF PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_current_team_role';
COMMENT ON FUNCTION saas.current_team_role() IS
'The role in the team of the request context: viewer, member, admin, owner, or service for a worker; NULL without a context.';

CREATE OR REPLACE FUNCTION saas.has_team_role(p_team uuid, p_least_role text)
RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_has_team_role';
COMMENT ON FUNCTION saas.has_team_role(uuid, text) IS
'Whether the request context is in this team with at least this role (viewer, member, admin, owner). False without a context.';

CREATE OR REPLACE FUNCTION saas.sign_context(p_team uuid, p_user uuid, p_role text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_sign_context';
REVOKE ALL ON FUNCTION saas.sign_context(uuid, uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION saas.sign_context(uuid, uuid, text) IS
'Signs a request context for the current transaction and sets it (SET LOCAL saas.context). Checks nothing: only for saas.set_context(), which does.';

CREATE OR REPLACE FUNCTION saas.sign_context(p_team uuid, p_user uuid, p_role text, p_scopes text[])
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_sign_context';
REVOKE ALL ON FUNCTION saas.sign_context(uuid, uuid, text, text[]) FROM PUBLIC;
COMMENT ON FUNCTION saas.sign_context(uuid, uuid, text, text[]) IS
'The same with scopes, which narrow what the credential is for; NULL for no restriction. Checks nothing but their form.';

CREATE OR REPLACE FUNCTION saas.sign_context(p_team uuid, p_user uuid, p_role text, p_scopes text[], p_session uuid)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'saas_sign_context';
REVOKE ALL ON FUNCTION saas.sign_context(uuid, uuid, text, text[], uuid) FROM PUBLIC;
COMMENT ON FUNCTION saas.sign_context(uuid, uuid, text, text[], uuid) IS
'The same with the session that the user signed in to. Checks nothing but the form of the scopes.';

CREATE OR REPLACE FUNCTION saas.current_scopes()
RETURNS text[]
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_current_scopes';
COMMENT ON FUNCTION saas.current_scopes() IS
'The scopes of the credential behind the request context, such as payments:read; NULL where nothing is restricted beyond the role, as for a session, and without a context.';

-- Raises no error whatever its argument, so it says nothing about a hidden row: LEAKPROOF.
CREATE OR REPLACE FUNCTION saas.has_scope(p_scope text)
RETURNS boolean
LANGUAGE c STABLE LEAKPROOF PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_has_scope';
COMMENT ON FUNCTION saas.has_scope(text) IS
'Whether the credential behind the request context is for this: its scopes have it, or payments:* for payments:read, or it has no scopes. False without a context.';

CREATE OR REPLACE FUNCTION saas.current_api_key_id()
RETURNS uuid
LANGUAGE c STABLE LEAKPROOF PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_current_api_key_id';
COMMENT ON FUNCTION saas.current_api_key_id() IS
'The API key that the request context was set by; NULL for any other.';

CREATE OR REPLACE FUNCTION saas.current_session_id()
RETURNS uuid
LANGUAGE c STABLE LEAKPROOF PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_current_session_id';
COMMENT ON FUNCTION saas.current_session_id() IS
'The session that the request context was set by, of saas.user_sessions; NULL for any other.';

CREATE OR REPLACE FUNCTION saas.check_scopes(p_scopes text[])
RETURNS void
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_check_scopes';
COMMENT ON FUNCTION saas.check_scopes(text[]) IS
'Raises 22023 unless these are scopes: at most 50 names such as payments:read, payments:* or *.';
