-- Operations of payments whose provider reports sums alone.
CREATE OR REPLACE FUNCTION saas.record_charge_operations(
    p_payment saas.payments,
    p_is_new boolean DEFAULT false
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_authorized text := CASE p_payment.status
        WHEN 'pending' THEN 'pending'
        WHEN 'failed' THEN 'failed'
        ELSE 'succeeded'
    END;
    -- An operation does not rise from failure, a payment may (late authorisation).
    v_source text := CASE
        WHEN v_authorized = 'succeeded' AND 'failed' = ANY (p_payment.states_seen) THEN 'conflict'
        ELSE p_payment.status_source
    END;
    v_ours bigint := 0;
    v_has_capture boolean := false;
    v_operation saas.payment_transactions;
BEGIN
    IF p_is_new THEN
        v_operation := saas.with_columns(
            v_operation,
            '{team_id,payment_id,operation,provider_reference,amount,currency,status,status_source,
              failure_code,occurred_at}',
            p_payment.team_id, p_payment.id, 'authorize'::text, p_payment.provider_payment_id,
            COALESCE(p_payment.authorized_amount, p_payment.amount), p_payment.currency, v_authorized,
            v_source, p_payment.failure_code, p_payment.provider_created_at
        );
        v_operation := saas.insert_row(v_operation);
        IF NOT p_payment.lists_captures AND p_payment.amount_captured > 0 THEN
            v_operation := saas.insert_row(saas.with_columns(
                v_operation,
                '{id,operation,amount,status,failure_code}',
                NULL::uuid, 'capture'::text, p_payment.amount_captured, 'succeeded'::text, NULL::text
            ));
        END IF;
        RETURN;
    END IF;
    IF NOT p_payment.lists_captures THEN
        -- Captures that we asked for are operations of their own; the rest is one.
        SELECT
            COALESCE(sum(t.amount) FILTER (
                WHERE t.status = 'succeeded' AND t.provider_reference LIKE 'saas:%'
            ), 0),
            COALESCE(bool_or(t.provider_reference = p_payment.provider_payment_id), false)
        INTO v_ours, v_has_capture
        FROM saas.payment_transactions AS t
        WHERE t.team_id = p_payment.team_id AND t.payment_id = p_payment.id AND t.operation = 'capture';
    END IF;
    INSERT INTO saas.payment_transactions (
        team_id, payment_id, operation, provider_reference, amount, currency, status, status_source,
        failure_code, occurred_at
    )
    SELECT
        p_payment.team_id, p_payment.id, o.operation, p_payment.provider_payment_id, o.amount,
        p_payment.currency, o.status, v_source, o.failure_code, p_payment.provider_created_at
    FROM (
        VALUES
            (
                'authorize', COALESCE(p_payment.authorized_amount, p_payment.amount), v_authorized,
                p_payment.failure_code
            ),
            ('capture', p_payment.amount_captured - v_ours, 'succeeded', NULL)
    ) AS o (operation, amount, status, failure_code)
    WHERE o.operation = 'authorize' OR (
        NOT p_payment.lists_captures
        AND (o.amount > 0 OR (o.amount = 0 AND v_ours > 0 AND v_has_capture))
    )
    ON CONFLICT (team_id, payment_id, operation, provider_reference) DO UPDATE
    SET amount = excluded.amount,
        status = excluded.status,
        status_source = excluded.status_source,
        failure_code = excluded.failure_code,
        occurred_at = excluded.occurred_at
    WHERE (
        payment_transactions.amount, payment_transactions.status, payment_transactions.status_source,
        payment_transactions.failure_code, payment_transactions.occurred_at
    ) IS DISTINCT FROM (
        excluded.amount, excluded.status, excluded.status_source,
        excluded.failure_code, excluded.occurred_at
    );
END
$$;
COMMENT ON FUNCTION saas.record_charge_operations(saas.payments, boolean) IS
'Derives the operations authorize and capture of a payment from its row; captures that the provider names are recorded one by one instead. p_is_new: it has no operations yet.';
REVOKE ALL ON FUNCTION saas.record_charge_operations(saas.payments, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.record_charge_operations(saas.payments, boolean) TO saas_internal;
