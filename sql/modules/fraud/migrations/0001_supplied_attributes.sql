-- What the application knows about an attempt (device, address, session) and no provider reports: kept
-- apart from the snapshots of providers, which replace all that they said before.
ALTER TABLE saas.payment_intents ADD COLUMN supplied_attributes jsonb NOT NULL DEFAULT '{}';
ALTER TABLE saas.payment_intents
ADD CONSTRAINT payment_intents_supplied_attributes_check
CHECK (jsonb_typeof(supplied_attributes) = 'object');
