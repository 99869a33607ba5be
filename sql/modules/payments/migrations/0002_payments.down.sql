DROP TABLE saas.webhook_events;
DROP TABLE saas.refunds;
DROP TABLE saas.payment_transactions;
DROP TABLE saas.payments;
DROP TABLE saas.payment_intents;
DROP TABLE saas.payment_providers;
