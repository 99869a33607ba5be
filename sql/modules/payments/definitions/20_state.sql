-- State machines, immutable columns and times of change, kept by triggers.
CREATE OR REPLACE TRIGGER state_transitions_10_changed
AFTER INSERT OR UPDATE OR DELETE ON saas.state_transitions
FOR EACH ROW EXECUTE FUNCTION saas.announce_change();
-- Rows that replication applies change the machines, too.
ALTER TABLE saas.state_transitions ENABLE ALWAYS TRIGGER state_transitions_10_changed;

CREATE OR REPLACE TRIGGER payment_intents_10_state
BEFORE INSERT OR UPDATE ON saas.payment_intents
FOR EACH ROW EXECUTE FUNCTION saas.enforce_state_machine('payment_intent', 'status', 'status_source');
CREATE OR REPLACE TRIGGER payments_10_state
BEFORE INSERT OR UPDATE ON saas.payments
FOR EACH ROW EXECUTE FUNCTION saas.enforce_state_machine('payment', 'status', 'status_source');
CREATE OR REPLACE TRIGGER payment_transactions_10_state
BEFORE INSERT OR UPDATE ON saas.payment_transactions
FOR EACH ROW
EXECUTE FUNCTION saas.enforce_state_machine('payment_transaction', 'status', 'status_source');
CREATE OR REPLACE TRIGGER refunds_10_state
BEFORE INSERT OR UPDATE ON saas.refunds
FOR EACH ROW EXECUTE FUNCTION saas.enforce_state_machine('refund', 'status', 'status_source');
-- A delivery is stored once its outcome is known; after that it follows single transitions.
CREATE OR REPLACE TRIGGER webhook_events_10_state
BEFORE UPDATE OF status ON saas.webhook_events
FOR EACH ROW EXECUTE FUNCTION saas.enforce_state_machine('webhook_event', 'status');

-- An intent's amount may change until it is paid; those of a payment, a refund and an operation do not, but for
-- what their provider says of them.
CREATE OR REPLACE TRIGGER payment_intents_20_immutable
BEFORE UPDATE ON saas.payment_intents
FOR EACH ROW EXECUTE FUNCTION saas.enforce_immutable('team_id', 'id', 'provider');
CREATE OR REPLACE TRIGGER payments_20_immutable
BEFORE UPDATE ON saas.payments
FOR EACH ROW
EXECUTE FUNCTION saas.enforce_immutable(
    'team_id', 'id', 'provider', 'provider_payment_id'
);
CREATE OR REPLACE TRIGGER payments_22_immutable_currency
BEFORE UPDATE ON saas.payments
FOR EACH ROW
WHEN (old.disagreements = new.disagreements)
EXECUTE FUNCTION saas.enforce_immutable('currency');
-- Only together with what explains it: another amount that was said, or an adjustment.
CREATE OR REPLACE TRIGGER payments_21_immutable_amount
BEFORE UPDATE ON saas.payments
FOR EACH ROW
WHEN (
    old.authorized_amount IS NULL
    AND new.authorized_amount IS NULL
    AND old.disagreements = new.disagreements
)
EXECUTE FUNCTION saas.enforce_immutable('amount');
CREATE OR REPLACE TRIGGER payment_transactions_20_immutable
BEFORE UPDATE ON saas.payment_transactions
FOR EACH ROW
EXECUTE FUNCTION saas.enforce_immutable('team_id', 'id', 'payment_id', 'operation', 'currency');
-- An operation that we asked for bears a name of ours until the provider has given it one.
CREATE OR REPLACE TRIGGER payment_transactions_22_immutable_reference
BEFORE UPDATE ON saas.payment_transactions
FOR EACH ROW
WHEN (old.provider_reference NOT LIKE 'saas:%')
EXECUTE FUNCTION saas.enforce_immutable('provider_reference');
-- A capture may go on: several captures of one authorisation are one growing operation.
CREATE OR REPLACE TRIGGER payment_transactions_21_immutable_amount
BEFORE UPDATE ON saas.payment_transactions
FOR EACH ROW
-- Where a provider contradicts itself, the greater amount holds.
WHEN (
    old.operation <> 'capture'
    AND (old.operation NOT IN ('authorize', 'refund') OR new.amount < old.amount OR new.status_source = 'api')
)
EXECUTE FUNCTION saas.enforce_immutable('amount');
CREATE OR REPLACE TRIGGER refunds_20_immutable
BEFORE UPDATE ON saas.refunds
FOR EACH ROW
EXECUTE FUNCTION saas.enforce_immutable('team_id', 'id', 'payment_id', 'provider', 'currency');
CREATE OR REPLACE TRIGGER refunds_21_immutable_amount
BEFORE UPDATE ON saas.refunds
FOR EACH ROW
WHEN (new.amount < old.amount OR new.status_source = 'api')
EXECUTE FUNCTION saas.enforce_immutable('amount');
CREATE OR REPLACE TRIGGER webhook_events_20_immutable
BEFORE UPDATE ON saas.webhook_events
FOR EACH ROW
EXECUTE FUNCTION saas.enforce_immutable(
    'team_id', 'id', 'provider', 'provider_event_id', 'body_sha256'
);
-- What is unconfirmed may not be what the provider has sent.
CREATE OR REPLACE TRIGGER webhook_events_21_immutable_payload
BEFORE UPDATE ON saas.webhook_events
FOR EACH ROW
WHEN (old.status <> 'unconfirmed')
EXECUTE FUNCTION saas.enforce_immutable('payload');

CREATE OR REPLACE TRIGGER payment_providers_30_updated_at
BEFORE UPDATE ON saas.payment_providers
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();
CREATE OR REPLACE TRIGGER payment_intents_30_updated_at
BEFORE UPDATE ON saas.payment_intents
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();
CREATE OR REPLACE TRIGGER payments_30_updated_at
BEFORE UPDATE ON saas.payments
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();
CREATE OR REPLACE TRIGGER payment_transactions_30_updated_at
BEFORE UPDATE ON saas.payment_transactions
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();
CREATE OR REPLACE TRIGGER refunds_30_updated_at
BEFORE UPDATE ON saas.refunds
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();
