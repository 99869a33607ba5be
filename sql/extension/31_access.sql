-- Access to teams, for policies on shared tables and for applications.
CREATE OR REPLACE FUNCTION saas.can_access_support(internal)
RETURNS internal
LANGUAGE c STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_can_access_support';
COMMENT ON FUNCTION saas.can_access_support(internal) IS
'Planner support of can_access, is_member and has_role: they use an index that begins with the team.';

CREATE OR REPLACE FUNCTION saas.my_team_ids()
RETURNS uuid[]
LANGUAGE c STABLE LEAKPROOF PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_my_team_ids';
COMMENT ON FUNCTION saas.my_team_ids() IS
'All active teams in which the user of the request context has an active membership; for a worker, the team of its context. Empty without a context.';

-- Raises no error whatever its argument, so it says nothing about a hidden row: LEAKPROOF.
CREATE OR REPLACE FUNCTION saas.can_access(team_id uuid)
RETURNS boolean
LANGUAGE c STABLE LEAKPROOF PARALLEL SAFE
SUPPORT saas.can_access_support
AS 'MODULE_PATHNAME', 'saas_can_access';
COMMENT ON FUNCTION saas.can_access(uuid) IS
'Whether the team is one of my_team_ids(). For policies on tables that are shared between teams, and with OR; uses an index that begins with the column.';

-- Not LEAKPROOF: a role that does not exist is an error, and the role may come from a row.
CREATE OR REPLACE FUNCTION saas.is_member(p_team uuid, p_min_role text DEFAULT 'viewer')
RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
SUPPORT saas.can_access_support
AS 'MODULE_PATHNAME', 'saas_is_member';
COMMENT ON FUNCTION saas.is_member(uuid, text) IS
'Whether the user of the request context is in this team with at least this role (viewer, member, admin, owner), whichever team the context names. False without a context.';

CREATE OR REPLACE FUNCTION saas.has_role(p_team uuid, p_role text)
RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
SUPPORT saas.can_access_support
AS 'MODULE_PATHNAME', 'saas_has_role';
COMMENT ON FUNCTION saas.has_role(uuid, text) IS
'Whether the user of the request context has exactly this role in this team. False without a context.';

CREATE OR REPLACE FUNCTION saas.role_in_team(p_team uuid)
RETURNS text
LANGUAGE c STABLE LEAKPROOF PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_role_in_team';
COMMENT ON FUNCTION saas.role_in_team(uuid) IS
'The role of the user of the request context in this team: viewer, member, admin, owner, or service for a worker; NULL for no member.';

-- Search under row-level security. LEAKPROOF is justified in src/access/search.cpp: no error depends
-- on a row, and none is raised once rows are read.
CREATE OR REPLACE FUNCTION saas.search_support(internal)
RETURNS internal
LANGUAGE c STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'saas_search_support';
COMMENT ON FUNCTION saas.search_support(internal) IS
'Planner support of search, contains and ilike: they use the GIN indexes of @@, @> and ILIKE.';

CREATE OR REPLACE FUNCTION saas.search(p_document tsvector, p_query tsquery)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
SUPPORT saas.search_support
AS 'MODULE_PATHNAME', 'saas_search';
COMMENT ON FUNCTION saas.search(tsvector, tsquery) IS
'The same as document @@ query; uses a GIN index under row-level security, where @@ does not.';

CREATE OR REPLACE FUNCTION saas.contains(p_value jsonb, p_wanted jsonb)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
SUPPORT saas.search_support
AS 'MODULE_PATHNAME', 'saas_contains';
COMMENT ON FUNCTION saas.contains(jsonb, jsonb) IS
'The same as value @> wanted; uses a GIN index under row-level security, where @> does not.';

CREATE OR REPLACE FUNCTION saas.ilike(p_text text, p_pattern text)
RETURNS boolean
LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
SUPPORT saas.search_support
AS 'MODULE_PATHNAME', 'saas_ilike';
COMMENT ON FUNCTION saas.ilike(text, text) IS
'The same as text ILIKE pattern; uses a trigram index (pg_trgm) under row-level security, where ILIKE does not. A pattern that ends in its escape character matches nothing; as a constant it is refused when the statement is planned (22025).';
