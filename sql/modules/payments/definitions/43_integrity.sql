-- Where what a provider says of amounts and currencies does not agree with itself or with what was asked
-- for, the payment is on hold: nothing of it is captured, refunded or paid out until a person has looked.
CREATE OR REPLACE FUNCTION saas.captured_total(p_team uuid, p_payment uuid)
RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT COALESCE(sum(t.amount), 0)::bigint
    FROM saas.payment_transactions AS t
    WHERE t.team_id = p_team
        AND t.payment_id = p_payment
        AND t.operation = 'capture'
        AND t.status = 'succeeded'
$$;
COMMENT ON FUNCTION saas.captured_total(uuid, uuid) IS
'The sum of a payment''s captures that succeeded, for payments whose provider names each.';
REVOKE ALL ON FUNCTION saas.captured_total(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.captured_total(uuid, uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.integrity_issue(p_payment saas.payments, p_intent saas.payment_intents)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
    -- An adjustment is between the merchant and the provider: the intent asked for what was authorised first.
    v_amount bigint := COALESCE(p_payment.authorized_amount, p_payment.amount);
    v_sum bigint;
BEGIN
    IF cardinality(p_payment.disagreements) > 0 THEN
        RETURN left(array_to_string(p_payment.disagreements, '; '), 1000);
    ELSIF cardinality(p_intent.disagreements) > 0 THEN
        RETURN left(array_to_string(p_intent.disagreements, '; '), 1000);
    ELSIF p_payment.lists_captures AND p_payment.amount_captured = p_payment.amount THEN
        v_sum := saas.captured_total(p_payment.team_id, p_payment.id);
        IF v_sum > p_payment.amount THEN
            RETURN format('captured: %s of %s', v_sum, p_payment.amount);
        END IF;
    END IF;
    -- An intent's amount may change until it is settled.
    IF p_payment.status NOT IN ('authorized', 'paid')
        OR p_intent.id IS NULL
        OR p_intent.status NOT IN ('requires_capture', 'partially_captured', 'succeeded')
        OR (v_amount, p_payment.currency) = (p_intent.amount, p_intent.currency)
    THEN
        RETURN NULL;
    ELSIF p_payment.currency = p_intent.currency AND v_amount < p_intent.amount THEN
        SELECT sum(COALESCE(p.authorized_amount, p.amount)) INTO v_sum
        FROM saas.payments AS p
        WHERE p.team_id = p_intent.team_id
            AND p.payment_intent_id = p_intent.id
            AND p.status IN ('authorized', 'paid')
            AND p.id IS DISTINCT FROM p_payment.id;
        IF COALESCE(v_sum, 0) + v_amount = p_intent.amount THEN
            RETURN NULL; -- it is paid in parts
        END IF;
    END IF;
    RETURN format(
        'paid: %s %s, asked for: %s %s',
        v_amount, p_payment.currency, p_intent.amount, p_intent.currency
    );
END
$$;
COMMENT ON FUNCTION saas.integrity_issue(saas.payments, saas.payment_intents) IS
'What does not agree about a payment, in words; NULL when nothing: snapshots that differ in amount or currency, captures beyond the payment, or a payment that is not what its settled intent asked for.';
REVOKE ALL ON FUNCTION saas.integrity_issue(saas.payments, saas.payment_intents) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.integrity_issue(saas.payments, saas.payment_intents) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.refresh_integrity(p_intent saas.payment_intents)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
BEGIN
    -- Looking first is cheaper than an UPDATE of nothing, and there is mostly nothing: payments about which
    -- nothing was said, and of which integrity_issue() says nothing whatever their states are.
    IF NOT EXISTS (
        SELECT FROM saas.payments AS p
        WHERE p.team_id = p_intent.team_id
            AND p.payment_intent_id = p_intent.id
            AND (
                p.integrity_issue IS NULL
                AND p.disagreements = '{}'
                AND p_intent.disagreements = '{}'
                AND NOT p.lists_captures
                AND p.amount = p_intent.amount
                AND p.currency = p_intent.currency
            ) IS NOT TRUE
    ) THEN
        RETURN;
    END IF;
    UPDATE saas.payments AS p
    SET integrity_issue = saas.integrity_issue(p, p_intent)
    WHERE p.team_id = p_intent.team_id
        AND p.payment_intent_id = p_intent.id
        AND p.integrity_issue IS DISTINCT FROM saas.integrity_issue(p, p_intent);
END
$$;
COMMENT ON FUNCTION saas.refresh_integrity(saas.payment_intents) IS
'Looks again at what does not agree about an intent''s payments.';
REVOKE ALL ON FUNCTION saas.refresh_integrity(saas.payment_intents) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.refresh_integrity(saas.payment_intents) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.note_disagreement(p_team uuid, p_payment uuid, p_words text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_payment saas.payments;
    v_intent saas.payment_intents;
BEGIN
    SELECT p.* INTO STRICT v_payment
    FROM saas.payments AS p
    WHERE p.team_id = p_team AND p.id = p_payment
    FOR UPDATE;
    IF p_words = ANY (v_payment.disagreements) THEN
        RETURN false;
    END IF;
    SELECT i.* INTO v_intent
    FROM saas.payment_intents AS i
    WHERE i.team_id = p_team AND i.id = v_payment.payment_intent_id;
    v_payment.disagreements := saas.add_state(v_payment.disagreements, p_words);
    UPDATE saas.payments AS p
    SET disagreements = v_payment.disagreements,
        integrity_issue = saas.integrity_issue(v_payment, v_intent)
    WHERE p.team_id = p_team AND p.id = p_payment;
    RETURN true;
END
$$;
COMMENT ON FUNCTION saas.note_disagreement(uuid, uuid, text) IS
'Keeps what a snapshot said of amount or currency that cannot be, and puts the payment on hold. False when that was known.';
REVOKE ALL ON FUNCTION saas.note_disagreement(uuid, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.note_disagreement(uuid, uuid, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.resolve_integrity_hold(
    p_team uuid,
    p_payment uuid,
    p_note text,
    p_issue text DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_issue text;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    IF saas.current_user_id() IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = '42501',
            MESSAGE = 'a hold is resolved by a person',
            HINT = 'Set a request context with the user who has looked into it.';
    ELSIF COALESCE(btrim(p_note), '') = '' OR length(p_note) > 1000 THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'a note of 1 to 1000 characters is needed that says what was found';
    END IF;
    SELECT p.integrity_issue INTO v_issue
    FROM saas.payments AS p
    WHERE p.team_id = p_team AND p.id = p_payment AND p.integrity_hold
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'SA058', MESSAGE = 'the team has no such payment on hold';
    ELSIF v_issue <> p_issue THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA059',
            MESSAGE = 'the payment is on hold for something else meanwhile',
            DETAIL = v_issue,
            HINT = 'Look into that as well.';
    END IF;
    UPDATE saas.payments AS p
    SET integrity_resolved = v_issue,
        integrity_resolved_by = saas.current_user_id(),
        integrity_resolved_at = now(),
        integrity_note = p_note
    WHERE p.team_id = p_team AND p.id = p_payment;
END
$$;
COMMENT ON FUNCTION saas.resolve_integrity_hold(uuid, uuid, text, text) IS
'Takes a payment off hold after a person has looked into what does not agree; the audit trail keeps who, when and the note. p_issue: the integrity_issue that they looked into; SA059 when it is another one by now. Another disagreement puts it on hold again. Needs admin, and a user in the request context; SA058 without a hold.';
REVOKE ALL ON FUNCTION saas.resolve_integrity_hold(uuid, uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.resolve_integrity_hold(uuid, uuid, text, text) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.held_amount(p_team uuid, p_provider text, p_currency text)
RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE SECURITY INVOKER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT COALESCE(sum(p.amount_captured - p.amount_refunded - p.amount_disputed), 0)::bigint
    FROM saas.payments AS p
    WHERE p.team_id = p_team
        AND p.provider = p_provider
        AND p.currency = p_currency
        AND p.integrity_hold
$$;
COMMENT ON FUNCTION saas.held_amount(uuid, text, text) IS
'What payments on hold have brought and still hold, in minor units: a payout leaves so much behind. Under row-level security: of another team, 0.';
REVOKE ALL ON FUNCTION saas.held_amount(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.held_amount(uuid, text, text) TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.check_payment_hold()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_issue text;
BEGIN
    SELECT p.integrity_issue INTO v_issue
    FROM saas.payments AS p
    WHERE p.team_id = NEW.team_id AND p.id = NEW.payment_id AND p.integrity_hold
    FOR NO KEY UPDATE;
    IF FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA054',
            MESSAGE = 'the payment is on hold: what the provider says does not agree',
            DETAIL = v_issue,
            HINT = 'Look into it, then call saas.resolve_integrity_hold().';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION saas.check_payment_hold() IS
'BEFORE INSERT row trigger of refunds and captures that we ask for: none of a payment on hold (SA054).';
REVOKE ALL ON FUNCTION saas.check_payment_hold() FROM PUBLIC;
CREATE OR REPLACE TRIGGER refunds_14_hold
BEFORE INSERT ON saas.refunds
FOR EACH ROW
WHEN (new.status_source = 'api')
EXECUTE FUNCTION saas.check_payment_hold();
CREATE OR REPLACE TRIGGER payment_transactions_14_hold
BEFORE INSERT ON saas.payment_transactions
FOR EACH ROW
WHEN (new.operation = 'capture' AND new.status = 'initiated')
EXECUTE FUNCTION saas.check_payment_hold();

CREATE OR REPLACE FUNCTION saas.check_payout_hold()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_held bigint := saas.held_amount(NEW.team_id, NEW.provider, NEW.currency);
    v_balance bigint;
BEGIN
    IF v_held <= 0 THEN
        RETURN NEW;
    END IF;
    SELECT COALESCE(sum(b.balance), 0) INTO v_balance
    FROM saas.ledger_accounts AS a
    JOIN saas.ledger_balances AS b ON b.team_id = a.team_id AND b.account_id = a.id
    WHERE a.team_id = NEW.team_id
        AND a.kind = 'provider_balance'
        AND a.provider = NEW.provider
        AND a.currency = NEW.currency;
    IF NEW.amount > v_balance - v_held THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA054',
            MESSAGE = 'the payout would pay out payments that are on hold',
            DETAIL = format('%s minor units of the balance are on hold.', v_held),
            HINT = 'Pay out less, or look into the payments and call saas.resolve_integrity_hold().';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION saas.check_payout_hold() IS
'BEFORE row trigger of payouts that we ask for: they leave behind what payments on hold have brought (SA054).';
REVOKE ALL ON FUNCTION saas.check_payout_hold() FROM PUBLIC;
CREATE OR REPLACE TRIGGER payouts_14_hold_insert
BEFORE INSERT ON saas.payouts
FOR EACH ROW
-- One that is only scheduled may wait: what is on hold keeps it back when it is to be sent.
WHEN (new.status_source = 'api' AND new.status = 'pending')
EXECUTE FUNCTION saas.check_payout_hold();
CREATE OR REPLACE TRIGGER payouts_14_hold_update
BEFORE UPDATE OF status ON saas.payouts
FOR EACH ROW
WHEN (
    new.status_source = 'api'
    AND new.status = 'pending'
    AND old.status IN ('scheduled', 'requires_review')
)
EXECUTE FUNCTION saas.check_payout_hold();
