-- What others than the intent's own snapshots say about an attempt: the application (device, address, session),
-- and the charge, with which the card becomes known. Kept apart, since a snapshot replaces all that the ones before said.
ALTER TABLE saas.payment_intents ADD COLUMN supplied_attributes jsonb NOT NULL DEFAULT '{}';
ALTER TABLE saas.payment_intents ADD COLUMN charged_attributes jsonb NOT NULL DEFAULT '{}';
ALTER TABLE saas.payment_intents
ADD CONSTRAINT payment_intents_supplied_attributes_check
CHECK (jsonb_typeof(supplied_attributes) = 'object');
ALTER TABLE saas.payment_intents
ADD CONSTRAINT payment_intents_charged_attributes_check
CHECK (jsonb_typeof(charged_attributes) = 'object');
