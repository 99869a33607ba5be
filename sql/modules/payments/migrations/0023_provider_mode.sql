-- A provider of a team is in test mode or live: never both in one ledger.

-- Functions whose arguments change.
DROP FUNCTION IF EXISTS saas.configure_payment_provider(uuid, text, bytea[], text, integer, boolean, boolean);
DROP FUNCTION IF EXISTS saas.confirm_webhook(uuid, uuid, boolean, jsonb);

ALTER TABLE saas.payment_providers ADD COLUMN livemode boolean;
