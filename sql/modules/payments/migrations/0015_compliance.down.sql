DROP TABLE IF EXISTS saas.aml_alerts;
DROP TABLE IF EXISTS saas.aml_thresholds;
DROP TABLE IF EXISTS saas.team_watchlist_entries;
DROP TABLE IF EXISTS saas.watchlist_entries;
DROP TABLE IF EXISTS saas.customer_verifications;
DROP TABLE IF EXISTS saas.compliance_settings;
DELETE FROM saas.state_transitions WHERE machine IN ('customer_verification', 'aml_alert');
