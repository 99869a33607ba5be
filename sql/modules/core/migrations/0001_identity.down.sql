DROP TABLE IF EXISTS saas.context_keys;
DROP TABLE IF EXISTS saas.team_members;
DROP TABLE IF EXISTS saas.teams;
DROP TABLE IF EXISTS saas.users;
