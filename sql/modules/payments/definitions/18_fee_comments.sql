-- What each column of fees and of a provider's mode is, with its data classification.
COMMENT ON COLUMN saas.payment_providers.livemode IS 'Live money (true) or the provider''s test mode (false); NULL while nobody has said. [internal]';

COMMENT ON TABLE saas.payment_fees IS 'What providers took for their services, as their events or the application told: one row for each kind and object.';
COMMENT ON COLUMN saas.payment_fees.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.payment_fees.id IS 'Identifier within the team. [internal]';
COMMENT ON COLUMN saas.payment_fees.provider IS 'The provider. [internal]';
COMMENT ON COLUMN saas.payment_fees.kind IS 'processing (of a payment, a capture or a refund), application (what a platform takes), transfer (of a payout). [internal]';
COMMENT ON COLUMN saas.payment_fees.provider_reference IS 'The provider''s identifier of the payment, capture, refund or payout. [internal]';
COMMENT ON COLUMN saas.payment_fees.amount IS 'Minor units that were taken; negative when they were given back. [internal]';
COMMENT ON COLUMN saas.payment_fees.currency IS 'Currency in which it is taken, which need not be that of the payment. [internal]';
COMMENT ON COLUMN saas.payment_fees.occurred_at IS 'When the object was made, by the provider''s clock: the day on which the fee counts. [internal]';
COMMENT ON COLUMN saas.payment_fees.snapshot_at IS 'The provider''s time of the snapshot that holds. [internal]';
COMMENT ON COLUMN saas.payment_fees.snapshot_event_id IS 'The event of that snapshot; empty when the application told. [internal]';
COMMENT ON COLUMN saas.payment_fees.created_at IS 'When the row was inserted. [internal]';
COMMENT ON COLUMN saas.payment_fees.updated_at IS 'When the row was last changed. [internal]';
