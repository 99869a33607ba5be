DROP TABLE saas.context_keys;
DROP TABLE saas.team_members;
DROP TABLE saas.teams;
DROP TABLE saas.users;
