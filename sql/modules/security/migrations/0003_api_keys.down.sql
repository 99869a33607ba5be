DROP TABLE IF EXISTS saas.api_key_usage_logs;
DROP TABLE IF EXISTS saas.api_key_activity;
DROP TABLE IF EXISTS saas.api_keys;
DROP TABLE IF EXISTS saas.credential_keys;
