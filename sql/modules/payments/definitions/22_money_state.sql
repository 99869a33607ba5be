-- States of requests to providers, and what no caller may do to refunds and captures.
CREATE OR REPLACE TRIGGER provider_requests_10_state
BEFORE INSERT OR UPDATE ON saas.provider_requests
FOR EACH ROW EXECUTE FUNCTION saas.enforce_state_machine('provider_request', 'status');
CREATE OR REPLACE TRIGGER provider_requests_20_immutable
BEFORE UPDATE ON saas.provider_requests
FOR EACH ROW
EXECUTE FUNCTION saas.enforce_immutable(
    'team_id', 'id', 'provider', 'kind', 'payment_intent_id', 'payment_id', 'payment_transaction_id',
    'refund_id', 'payout_id', 'payment_dispute_id', 'payment_method_token_id', 'request'
);
CREATE OR REPLACE TRIGGER provider_requests_30_updated_at
BEFORE UPDATE ON saas.provider_requests
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();

CREATE OR REPLACE FUNCTION saas.check_refund_room()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_payment saas.payments;
    v_others bigint;
BEGIN
    SELECT p.* INTO v_payment
    FROM saas.payments AS p
    WHERE p.team_id = NEW.team_id AND p.id = NEW.payment_id
    FOR NO KEY UPDATE;
    SELECT COALESCE(sum(r.amount), 0) INTO v_others
    FROM saas.refunds AS r
    WHERE r.team_id = NEW.team_id
        AND r.payment_id = NEW.payment_id
        AND r.status IN ('requires_review', 'pending', 'requires_action', 'succeeded');
    v_others := greatest(v_others, v_payment.amount_refunded) + v_payment.disputed_total;
    IF NEW.amount > v_payment.amount_captured - v_others THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA078',
            MESSAGE = 'the refund exceeds what may still be refunded',
            DETAIL = format(
                '%s of %s captured minor units are refunded, about to be, or in dispute.',
                v_others, v_payment.amount_captured
            );
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION saas.check_refund_room() IS
'BEFORE INSERT row trigger of refunds that we ask for: together with pending refunds and disputes they do not exceed what was captured (SA078), under the lock of the payment.';
REVOKE ALL ON FUNCTION saas.check_refund_room() FROM PUBLIC;
CREATE OR REPLACE TRIGGER refunds_15_room
BEFORE INSERT ON saas.refunds
FOR EACH ROW
WHEN (new.status_source = 'api')
EXECUTE FUNCTION saas.check_refund_room();

CREATE OR REPLACE FUNCTION saas.check_capture_room()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_payment saas.payments;
    v_taken bigint;
BEGIN
    SELECT p.* INTO v_payment
    FROM saas.payments AS p
    WHERE p.team_id = NEW.team_id AND p.id = NEW.payment_id
    FOR NO KEY UPDATE;
    SELECT COALESCE(sum(t.amount), 0) INTO v_taken
    FROM saas.payment_transactions AS t
    WHERE t.team_id = NEW.team_id
        AND t.payment_id = NEW.payment_id
        AND t.operation = 'capture'
        AND t.status IN ('initiated', 'requires_action', 'pending', 'unknown');
    v_taken := v_taken + v_payment.amount_captured + v_payment.amount_released;
    IF NEW.amount > v_payment.amount - v_taken THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA079',
            MESSAGE = 'the capture exceeds what is authorised',
            DETAIL = format(
                '%s of %s authorised minor units are captured, about to be, or released.',
                v_taken, v_payment.amount
            );
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION saas.check_capture_room() IS
'BEFORE INSERT row trigger of captures that we ask for: together with those under way they do not exceed what was authorised (SA079), under the lock of the payment.';
REVOKE ALL ON FUNCTION saas.check_capture_room() FROM PUBLIC;
CREATE OR REPLACE TRIGGER payment_transactions_15_room
BEFORE INSERT ON saas.payment_transactions
FOR EACH ROW
WHEN (new.operation = 'capture' AND new.status = 'initiated')
EXECUTE FUNCTION saas.check_capture_room();
