-- Snapshots of one payment in two currencies: the payment is on hold, and which of the two its row has does not
-- depend on which came first.
CREATE OR REPLACE FUNCTION saas.currency_may_change(p_payment saas.payments)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT NOT EXISTS (
        SELECT FROM saas.refunds AS r
        WHERE r.team_id = p_payment.team_id AND r.payment_id = p_payment.id
        UNION ALL
        SELECT FROM saas.payment_disputes AS d
        WHERE d.team_id = p_payment.team_id AND d.payment_id = p_payment.id
        UNION ALL
        SELECT FROM saas.payment_transactions AS t
        WHERE t.team_id = p_payment.team_id
            AND t.payment_id = p_payment.id
            AND t.provider_reference <> p_payment.provider_payment_id
    )
$$;
COMMENT ON FUNCTION saas.currency_may_change(saas.payments) IS
'Whether nothing hangs on a payment that is in its currency: no refund, no dispute, and no operation with a name of its own.';
REVOKE ALL ON FUNCTION saas.currency_may_change(saas.payments) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.currency_may_change(saas.payments) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.join_other_currency(
    p_before saas.payments,
    p_new saas.payments,
    p_order integer
)
RETURNS saas.payments
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_base saas.payments := p_before;
    v_new saas.payments := p_new;
    v_row saas.payments;
    v_note text := format('the payment: %s %s', p_new.amount, p_new.currency);
BEGIN
    IF p_new.currency::text COLLATE "C" < p_before.currency::text COLLATE "C"
        AND saas.currency_may_change(p_before)
    THEN
        -- As if no snapshot in the other currency had told of more than the state.
        v_note := format(
            'the payment: %s %s', COALESCE(p_before.authorized_amount, p_before.amount), p_before.currency
        );
        v_base.currency := p_new.currency;
        v_base.amount := p_new.amount;
        v_base.authorized_amount := NULL;
        v_base.amount_captured := 0;
        v_base.amount_refunded := 0;
        v_base.amount_released := 0;
        v_base.snapshot_refunded := 0;
        v_base.facts_status := p_new.status;
        v_base.facts_at := '-infinity';
        v_base.facts_event_id := '';
        DELETE FROM saas.payment_transactions AS t -- derived anew from the row
        WHERE t.team_id = p_before.team_id AND t.payment_id = p_before.id;
        v_row := saas.join_payment(v_base, v_new, false, p_order);
    ELSE
        v_new.amount := NULL;
        v_new.amount_captured := NULL;
        v_new.snapshot_refunded := NULL;
        v_row := saas.join_payment(v_base, v_new, true, p_order);
    END IF;
    v_row.disagreements := saas.add_state(v_row.disagreements, v_note);
    RETURN v_row;
END
$$;
COMMENT ON FUNCTION saas.join_other_currency(saas.payments, saas.payments, integer) IS
'The row of a payment after a snapshot in another currency, which saas.snapshot_order() places so. Of the currencies the first by the alphabet holds, with its snapshots alone, unless something hangs on the payment in the other one; of the others state and note are kept. Deletes the operations that are derived from the row when its currency changes.';
REVOKE ALL ON FUNCTION saas.join_other_currency(saas.payments, saas.payments, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.join_other_currency(saas.payments, saas.payments, integer) TO saas_internal;
