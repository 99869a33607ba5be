DROP FUNCTION IF EXISTS saas.configure_payment_provider(uuid, text, bytea[], text, integer, boolean, boolean, boolean);
DROP FUNCTION IF EXISTS saas.confirm_webhook(uuid, uuid, boolean, jsonb, boolean);
ALTER TABLE saas.payment_providers DROP COLUMN livemode;
