-- No card number in what people write beside the money: keys, notes, reasons, documents.
CREATE OR REPLACE TRIGGER idempotency_keys_12_card_refused
BEFORE INSERT ON saas.idempotency_keys
FOR EACH ROW
WHEN (saas.contains_card_number(new.key))
EXECUTE FUNCTION saas.refuse_card_numbers('key');
CREATE OR REPLACE TRIGGER customer_verifications_12_card_refused
BEFORE INSERT OR UPDATE ON saas.customer_verifications
FOR EACH ROW
WHEN (
    saas.contains_card_number(new.documents::text)
    OR saas.contains_card_number(new.subject_reference)
    OR saas.contains_card_number(new.provider_reference)
    OR saas.contains_card_number(new.full_name)
)
EXECUTE FUNCTION saas.refuse_card_numbers(
    'documents', 'subject_reference', 'provider_reference', 'full_name'
);
CREATE OR REPLACE TRIGGER customer_verifications_12_card_masked
BEFORE INSERT OR UPDATE ON saas.customer_verifications
FOR EACH ROW
WHEN (saas.contains_card_number(new.results::text))
EXECUTE FUNCTION saas.mask_card_numbers_in_row('results');
CREATE OR REPLACE TRIGGER payout_holds_12_card_refused
BEFORE INSERT OR UPDATE ON saas.payout_holds
FOR EACH ROW
WHEN (
    saas.contains_card_number(new.note) OR saas.contains_card_number(new.release_note)
)
EXECUTE FUNCTION saas.refuse_card_numbers('note', 'release_note');
CREATE OR REPLACE TRIGGER aml_alerts_12_card_refused
BEFORE INSERT OR UPDATE ON saas.aml_alerts
FOR EACH ROW
WHEN (
    saas.contains_card_number(new.reason)
    OR saas.contains_card_number(new.decision_reason)
    OR saas.contains_card_number(new.subject_reference)
)
EXECUTE FUNCTION saas.refuse_card_numbers('reason', 'decision_reason', 'subject_reference');
CREATE OR REPLACE TRIGGER payments_12_card_refused
BEFORE UPDATE ON saas.payments
FOR EACH ROW
WHEN (saas.contains_card_number(new.integrity_note))
EXECUTE FUNCTION saas.refuse_card_numbers('integrity_note');
CREATE OR REPLACE TRIGGER fraud_reviews_12_card_refused
BEFORE INSERT OR UPDATE ON saas.fraud_reviews
FOR EACH ROW
WHEN (saas.contains_card_number(new.reason))
EXECUTE FUNCTION saas.refuse_card_numbers('reason');
CREATE OR REPLACE TRIGGER fraud_list_items_12_card_refused
BEFORE INSERT OR UPDATE ON saas.fraud_list_items
FOR EACH ROW
WHEN (saas.contains_card_number(new.reason))
EXECUTE FUNCTION saas.refuse_card_numbers('reason');
CREATE OR REPLACE TRIGGER fraud_snoozes_12_card_refused
BEFORE INSERT OR UPDATE ON saas.fraud_snoozes
FOR EACH ROW
WHEN (saas.contains_card_number(new.reason))
EXECUTE FUNCTION saas.refuse_card_numbers('reason');
