DROP TABLE IF EXISTS saas.webhook_events;
DROP TABLE IF EXISTS saas.refunds;
DROP TABLE IF EXISTS saas.payment_transactions;
DROP TABLE IF EXISTS saas.payments;
DROP TABLE IF EXISTS saas.payment_intents;
DROP TABLE IF EXISTS saas.payment_providers;
