DROP TRIGGER IF EXISTS provider_requests_15_fraud ON saas.provider_requests;
DROP TRIGGER IF EXISTS payments_60_card ON saas.payments;
DROP TRIGGER IF EXISTS payments_61_card_again ON saas.payments;
DROP TRIGGER IF EXISTS payment_intents_14_attributes ON saas.payment_intents;
DROP FUNCTION IF EXISTS saas.describe_payment_intent(uuid, uuid, jsonb, text);
ALTER TABLE saas.payment_intents DROP COLUMN IF EXISTS charged_attributes;
ALTER TABLE saas.payment_intents DROP COLUMN IF EXISTS supplied_attributes;
