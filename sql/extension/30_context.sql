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
