DROP TABLE IF EXISTS saas.key_access_positions;
DROP TABLE IF EXISTS saas.key_access_logs;
