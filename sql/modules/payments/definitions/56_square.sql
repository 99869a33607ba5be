-- Square's objects become snapshots.

CREATE OR REPLACE FUNCTION saas.counted_money(
    p_provider text,
    p_amount jsonb,
    p_currency text,
    OUT amount bigint,
    OUT currency char(3)
)
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
    v_money record := saas.charge_currency(p_provider, p_currency);
BEGIN
    currency := v_money.code;
    amount := saas.minor_units(
        COALESCE(NULLIF(p_amount, 'null'), '0'), v_money.provider_exponent, v_money.exponent
    );
END
$$;
COMMENT ON FUNCTION saas.counted_money(text, jsonb, text) IS
'An amount that the provider counts in its smallest unit of the currency, in minor units, and the currency''s code; 0 for a missing one. SA072 when it is none.';
REVOKE ALL ON FUNCTION saas.counted_money(text, jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.counted_money(text, jsonb, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_square_payment(
    p_team uuid,
    p_object jsonb,
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
    v_total jsonb := COALESCE(p_object -> 'total_money', p_object -> 'amount_money');
    v_money record := saas.counted_money('square', v_total -> 'amount', v_total ->> 'currency');
    v_card jsonb := p_object #> '{card_details,card}';
    v_row saas.payments;
BEGIN
    v_row.team_id := p_team;
    v_row.provider := 'square';
    v_row.provider_payment_id := saas.provider_object_id(p_object -> 'id', true);
    v_row.amount := v_money.amount;
    v_row.currency := v_money.currency;
    v_row.status := (saas.map_status('square', 'payment', p_object ->> 'status')).state;
    v_row.amount_captured := CASE v_row.status WHEN 'paid' THEN v_row.amount ELSE 0 END;
    IF v_row.status <> 'voided' THEN
        v_row.snapshot_refunded := (saas.counted_money(
            'square', p_object #> '{refunded_money,amount}', v_money.currency
        )).amount;
    END IF;
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    v_row.failure_code := p_object #>> '{card_details,errors,0,code}';
    v_row.failure_message := p_object #>> '{card_details,errors,0,detail}';
    v_row.payment_method_type := lower(p_object ->> 'source_type');
    v_row.card_brand := lower(v_card ->> 'card_brand');
    v_row.card_last4 := v_card ->> 'last_4';
    v_row.card_funding := lower(v_card ->> 'card_type');
    v_row.card_fingerprint := v_card ->> 'fingerprint';
    v_row.cvc_check := lower(p_object #>> '{card_details,cvv_status}');
    v_row.address_zip_check := lower(p_object #>> '{card_details,avs_status}');
    v_row.provider_customer_id := p_object ->> 'customer_id';
    v_row.description := p_object ->> 'note';
    v_row.livemode := saas.provider_livemode(p_team, 'square') IS NOT FALSE;
    v_row.provider_created_at := saas.provider_time(p_object -> 'created_at');
    SELECT r.* INTO outcome, detail, waits_for, landed
    FROM saas.apply_payment(v_row, p_object ->> 'reference_id') AS r;
END
$$;
COMMENT ON FUNCTION saas.apply_square_payment(uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a Square payment into payments; its reference_id may be the intent that we asked for.';
REVOKE ALL ON FUNCTION saas.apply_square_payment(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_square_payment(uuid, jsonb, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_square_refund(
    p_team uuid,
    p_object jsonb,
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
    v_money record := saas.counted_money(
        'square', p_object #> '{amount_money,amount}', p_object #>> '{amount_money,currency}'
    );
    v_row saas.refunds;
BEGIN
    v_row.team_id := p_team;
    v_row.provider := 'square';
    v_row.provider_refund_id := saas.provider_object_id(p_object -> 'id', true);
    v_row.amount := v_money.amount;
    v_row.currency := v_money.currency;
    v_row.status := (saas.map_status('square', 'refund', p_object ->> 'status')).state;
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    v_row.reason := p_object ->> 'reason';
    v_row.provider_created_at := saas.provider_time(p_object -> 'created_at');
    SELECT r.* INTO outcome, detail, waits_for, landed
    FROM saas.apply_refund(v_row, saas.provider_object_id(p_object -> 'payment_id', true)) AS r;
END
$$;
COMMENT ON FUNCTION saas.apply_square_refund(uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a Square refund into refunds and the amounts of its payment.';
REVOKE ALL ON FUNCTION saas.apply_square_refund(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_square_refund(uuid, jsonb, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_square_dispute(
    p_team uuid,
    p_object jsonb,
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
    v_money record := saas.counted_money(
        'square', p_object #> '{amount_money,amount}', p_object #>> '{amount_money,currency}'
    );
    v_state record := saas.map_status('square', 'dispute', p_object ->> 'state');
    v_row saas.payment_disputes;
BEGIN
    v_row.team_id := p_team;
    v_row.provider := 'square';
    v_row.provider_dispute_id := COALESCE(
        saas.provider_object_id(p_object -> 'id'), saas.provider_object_id(p_object -> 'dispute_id', true)
    );
    v_row.status := v_state.state;
    v_row.stage := v_state.stage;
    v_row.amount := v_money.amount;
    v_row.currency := v_money.currency;
    v_row.fee_amount := 0;
    v_row.reason := lower(p_object ->> 'reason');
    v_row.evidence_due_at := saas.provider_time(p_object -> 'due_at');
    v_row.is_refundable := false;
    v_row.livemode := saas.provider_livemode(p_team, 'square') IS NOT FALSE;
    v_row.provider_created_at := saas.provider_time(p_object -> 'created_at');
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    SELECT r.* INTO outcome, detail, waits_for
    FROM saas.apply_dispute(
        v_row, saas.provider_object_id(p_object #> '{disputed_payment,payment_id}', true)
    ) AS r;
END
$$;
COMMENT ON FUNCTION saas.apply_square_dispute(uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a Square dispute into payment_disputes.';
REVOKE ALL ON FUNCTION saas.apply_square_dispute(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_square_dispute(uuid, jsonb, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_square_payout(
    p_team uuid,
    p_object jsonb,
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
    v_money record := saas.counted_money(
        'square', p_object #> '{amount_money,amount}', p_object #>> '{amount_money,currency}'
    );
    v_row saas.payouts;
BEGIN
    v_row.team_id := p_team;
    v_row.provider := 'square';
    v_row.provider_payout_id := saas.provider_object_id(p_object -> 'id', true);
    v_row.status := (saas.map_status('square', 'payout', p_object ->> 'status')).state;
    v_row.amount := v_money.amount;
    v_row.currency := v_money.currency;
    v_row.method := lower(p_object ->> 'type');
    v_row.arrival_date := CASE
        WHEN p_object ->> 'arrival_date' ~ '^\d{4}-\d\d-\d\d$' THEN (p_object ->> 'arrival_date')::date
    END;
    v_row.livemode := saas.provider_livemode(p_team, 'square') IS NOT FALSE;
    v_row.provider_created_at := saas.provider_time(p_object -> 'created_at');
    v_row.snapshot_at := p_at;
    v_row.snapshot_event_id := p_event_id;
    SELECT r.* INTO outcome, detail FROM saas.apply_payout(v_row) AS r;
END
$$;
COMMENT ON FUNCTION saas.apply_square_payout(uuid, jsonb, timestamptz, text) IS
'Joins a snapshot of a Square payout into payouts.';
REVOKE ALL ON FUNCTION saas.apply_square_payout(uuid, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_square_payout(uuid, jsonb, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.apply_square_event(
    p_team uuid,
    p_event jsonb,
    p_event_id text,
    p_machine text,
    OUT outcome text,
    OUT detail text,
    OUT waits_for text,
    OUT landed text[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_kind text := p_machine;
    v_object jsonb := p_event #> ARRAY['data', 'object', v_kind];
    v_at timestamptz := COALESCE(
        saas.provider_time(v_object -> 'updated_at'), saas.provider_time(p_event -> 'created_at')
    );
BEGIN
    IF v_at IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'SA072', MESSAGE = 'the event has no time';
    END IF;
    CASE v_kind
        WHEN 'payment' THEN
            SELECT r.* INTO outcome, detail, waits_for, landed
            FROM saas.apply_square_payment(p_team, v_object, v_at, p_event_id) AS r;
        WHEN 'refund' THEN
            SELECT r.* INTO outcome, detail, waits_for, landed
            FROM saas.apply_square_refund(p_team, v_object, v_at, p_event_id) AS r;
        WHEN 'dispute' THEN
            SELECT r.* INTO outcome, detail, waits_for, landed
            FROM saas.apply_square_dispute(p_team, v_object, v_at, p_event_id) AS r;
        WHEN 'payout' THEN
            SELECT r.* INTO outcome, detail, waits_for, landed
            FROM saas.apply_square_payout(p_team, v_object, v_at, p_event_id) AS r;
        ELSE
            outcome := 'ignored';
            detail := 'no table for this object';
    END CASE;
END
$$;
COMMENT ON FUNCTION saas.apply_square_event(uuid, jsonb, text, text) IS
'Applies a verified Square event, about an object of this machine, to the payment tables.';
REVOKE ALL ON FUNCTION saas.apply_square_event(uuid, jsonb, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.apply_square_event(uuid, jsonb, text, text) TO saas_internal;
