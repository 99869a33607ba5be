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
    v_state := saas.map_status('stripe', 'dispute', p_dispute ->> 'status');
    v_row := saas.with_json_columns(
        saas.with_columns(
            v_row, '{team_id,provider,snapshot_at,snapshot_event_id,status,stage}',
            p_team, 'stripe'::text, p_at, p_event_id, v_state.state, v_state.stage
        ),
        'stripe', p_dispute,
        '
        currency               currency        currency
        provider_dispute_id    required_id     id
        amount                 units           amount
        reason                 text            reason
        network_reason_code    text            network_reason_code
                                             | payment_method_details.card.network_reason_code
        evidence_due_at        unix_time       evidence_details.due_by
        is_refundable          flag_or_false   is_charge_refundable
        metadata               object          metadata
        livemode               flag_or_false   livemode
        provider_created_at    unix_time       created
        '
    );
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
    v_row.evidence_submitted_at := CASE
        WHEN (p_dispute #>> '{evidence_details,submission_count}')::numeric > 0 THEN p_at
    END;
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
    v_row saas.payouts;
    v_result record;
BEGIN
    v_row := saas.with_json_columns(
        saas.with_columns(
            v_row, '{team_id,provider,snapshot_at,snapshot_event_id}', p_team, 'stripe'::text, p_at, p_event_id
        ),
        'stripe', p_payout,
        '
        currency              currency        currency
        provider_payout_id    required_id     id
        status                state:payout    status
        amount                units           amount
        method                text            method
        failure_code          text            failure_code
        failure_message       text            failure_message
        metadata              object          metadata
        livemode              flag_or_false   livemode
        provider_created_at   unix_time       created
        '
    );
    v_row.arrival_date := (saas.stripe_time(p_payout -> 'arrival_date') AT TIME ZONE 'UTC')::date;
    v_result := saas.apply_payout(v_row);
    outcome := v_result.outcome;
    detail := v_result.detail;
END
$$;
COMMENT ON FUNCTION saas.apply_stripe_payout(uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a Stripe payout into payouts.';
REVOKE ALL ON FUNCTION saas.apply_stripe_payout(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_stripe_payout(uuid, jsonb, timestamptz, text) TO saas_internal;
