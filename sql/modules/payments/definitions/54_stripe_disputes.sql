-- Stripe's disputes, early fraud warnings and payouts.
CREATE OR REPLACE FUNCTION saas.apply_stripe_dispute(
    p_team uuid,
    p_dispute jsonb,
    p_at timestamptz,
    p_event_id text,
    OUT outcome text,
    OUT detail text,
    OUT waits_for text,
    OUT landed text[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_money record := saas.charge_currency('stripe', p_dispute ->> 'currency');
    v_row saas.payment_disputes;
    v_state record;
    v_result record;
BEGIN
    v_row.team_id := p_team;
    v_row.provider := 'stripe';
    v_row.provider_dispute_id := saas.provider_object_id(p_dispute -> 'id', true);
    v_state := saas.map_status('stripe', 'dispute', p_dispute ->> 'status');
    v_row.status := v_state.state;
    v_row.stage := v_state.stage;
    v_row.amount := saas.minor_units(p_dispute -> 'amount', v_money.provider_exponent, v_money.exponent);
    v_row.currency := v_money.code;
    -- The fee is taken once, with the withdrawal, in the balance's own currency.
    SELECT COALESCE(sum(saas.minor_units(t.value -> 'fee', v_money.provider_exponent, v_money.exponent)), 0)
    INTO v_row.fee_amount
    FROM jsonb_array_elements(
        CASE jsonb_typeof(p_dispute -> 'balance_transactions')
            WHEN 'array' THEN p_dispute -> 'balance_transactions'
            ELSE '[]'
        END
    ) AS t
    WHERE upper(t.value ->> 'currency') = v_money.code AND (t.value ->> 'fee')::numeric > 0;
    v_row.reason := p_dispute ->> 'reason';
    v_row.network_reason_code := COALESCE(
        p_dispute ->> 'network_reason_code', p_dispute #>> '{payment_method_details,card,network_reason_code}'
    );
    v_row.evidence_due_at := saas.stripe_time(p_dispute #> '{evidence_details,due_by}');
    v_row.evidence_submitted_at := CASE
        WHEN (p_dispute #>> '{evidence_details,submission_count}')::numeric > 0 THEN p_at
    END;
    v_row.is_refundable := p_dispute -> 'is_charge_refundable' IS NOT DISTINCT FROM 'true';
    v_row.metadata := CASE
        WHEN jsonb_typeof(p_dispute -> 'metadata') = 'object' THEN p_dispute -> 'metadata'
        ELSE '{}'
    END;
    v_row.livemode := p_dispute -> 'livemode' IS NOT DISTINCT FROM 'true';
    v_row.provider_created_at := saas.stripe_time(p_dispute -> 'created');
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    v_result := saas.apply_dispute(v_row, saas.provider_object_id(p_dispute -> 'charge', true));
    outcome := v_result.outcome;
    detail := v_result.detail;
    waits_for := v_result.waits_for;
END
$$;
COMMENT ON FUNCTION saas.apply_stripe_dispute(uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a Stripe dispute into payment_disputes. Inquiries, whose states begin with warning, are of stage pre_dispute.';
REVOKE ALL ON FUNCTION saas.apply_stripe_dispute(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_stripe_dispute(uuid, jsonb, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_stripe_payout(
    p_team uuid,
    p_payout jsonb,
    p_at timestamptz,
    p_event_id text,
    OUT outcome text,
    OUT detail text,
    OUT waits_for text,
    OUT landed text[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_money record := saas.charge_currency('stripe', p_payout ->> 'currency');
    v_row saas.payouts;
    v_result record;
BEGIN
    v_row.team_id := p_team;
    v_row.provider := 'stripe';
    v_row.provider_payout_id := saas.provider_object_id(p_payout -> 'id', true);
    v_row.status := (saas.map_status('stripe', 'payout', p_payout ->> 'status')).state;
    v_row.amount := saas.minor_units(p_payout -> 'amount', v_money.provider_exponent, v_money.exponent);
    v_row.currency := v_money.code;
    v_row.method := p_payout ->> 'method';
    v_row.arrival_date := (saas.stripe_time(p_payout -> 'arrival_date') AT TIME ZONE 'UTC')::date;
    v_row.failure_code := p_payout ->> 'failure_code';
    v_row.failure_message := p_payout ->> 'failure_message';
    v_row.metadata := CASE
        WHEN jsonb_typeof(p_payout -> 'metadata') = 'object' THEN p_payout -> 'metadata'
        ELSE '{}'
    END;
    v_row.livemode := p_payout -> 'livemode' IS NOT DISTINCT FROM 'true';
    v_row.provider_created_at := saas.stripe_time(p_payout -> 'created');
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    v_result := saas.apply_payout(v_row);
    outcome := v_result.outcome;
    detail := v_result.detail;
END
$$;
COMMENT ON FUNCTION saas.apply_stripe_payout(uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a Stripe payout into payouts.';
REVOKE ALL ON FUNCTION saas.apply_stripe_payout(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_stripe_payout(uuid, jsonb, timestamptz, text) TO saas_internal;
