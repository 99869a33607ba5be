-- Adjustments of what is authorised, for providers that name each.
CREATE OR REPLACE FUNCTION saas.apply_adjustment(
    p_new saas.payment_transactions,
    p_provider text,
    p_payment_ref text,
    OUT outcome text,
    OUT detail text,
    OUT waits_for text,
    OUT landed text[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_target saas.payments;
    v_payment saas.payments;
BEGIN
    v_target.team_id := p_new.team_id;
    v_target.provider := p_provider;
    v_target.provider_payment_id := p_payment_ref;
    v_payment := (saas.lock_payment_snapshot(v_target, NULL)).payment;
    IF v_payment.id IS NULL THEN
        outcome := 'deferred';
        detail := 'the payment is not known yet';
        waits_for := p_payment_ref;
        RETURN;
    ELSIF p_new.currency <> v_payment.currency THEN
        outcome := 'conflict';
        detail := format('adjustment %s: %s %s', p_new.provider_reference, p_new.amount, p_new.currency);
        PERFORM saas.note_disagreement(v_payment.team_id, v_payment.id, detail);
        RETURN;
    END IF;
    INSERT INTO saas.payment_transactions (
        team_id, payment_id, operation, provider_reference, amount, currency, status, status_source,
        failure_code, occurred_at
    )
    VALUES (
        p_new.team_id, v_payment.id, 'adjust', p_new.provider_reference, p_new.amount, p_new.currency,
        p_new.status, 'provider', p_new.failure_code, p_new.occurred_at
    )
    ON CONFLICT (team_id, payment_id, operation, provider_reference) DO NOTHING;
    outcome := CASE WHEN FOUND THEN 'processed' ELSE 'superseded' END;
    IF FOUND AND p_new.status = 'succeeded' THEN
        PERFORM saas.refresh_captured_amount(v_payment.team_id, v_payment.id);
        landed := ARRAY[v_payment.provider_payment_id]; -- there may be room for a refund
    END IF;
END
$$;
COMMENT ON FUNCTION saas.apply_adjustment(saas.payment_transactions, text, text) IS
'Joins an adjustment of what is authorised, of the payment that the provider names so, into payment_transactions and the amount of its payment: the newest one by the provider''s time holds. Deferred while the payment is unknown; another currency puts the payment on hold.';
REVOKE ALL ON FUNCTION saas.apply_adjustment(saas.payment_transactions, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_adjustment(saas.payment_transactions, text, text) TO saas_internal;
