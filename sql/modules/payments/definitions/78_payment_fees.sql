-- What providers take, in rows and in the ledger. Of what is told about a fee the newest by the provider's time
-- holds, so that the order of arrival means nothing, and the ledger follows the row.
CREATE OR REPLACE FUNCTION saas.note_fee(p_new saas.payment_fees)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_id uuid;
BEGIN
    INSERT INTO saas.payment_fees AS f (
        team_id, provider, kind, provider_reference, amount, currency, occurred_at, snapshot_at,
        snapshot_event_id
    )
    VALUES (
        p_new.team_id, p_new.provider, p_new.kind, p_new.provider_reference, p_new.amount, p_new.currency,
        p_new.occurred_at, p_new.snapshot_at, COALESCE(p_new.snapshot_event_id, '')
    )
    ON CONFLICT (team_id, provider, provider_reference, kind) DO UPDATE
    SET amount = excluded.amount,
        currency = excluded.currency,
        occurred_at = excluded.occurred_at,
        snapshot_at = excluded.snapshot_at,
        snapshot_event_id = excluded.snapshot_event_id
    WHERE (excluded.snapshot_at, excluded.snapshot_event_id COLLATE "C")
        > (f.snapshot_at, f.snapshot_event_id COLLATE "C")
    RETURNING f.id INTO v_id;
    IF NOT FOUND THEN
        SELECT f.id INTO STRICT v_id
        FROM saas.payment_fees AS f
        WHERE f.team_id = p_new.team_id
            AND f.provider = p_new.provider
            AND f.provider_reference = p_new.provider_reference
            AND f.kind = p_new.kind;
    END IF;
    RETURN v_id;
END
$$;
COMMENT ON FUNCTION saas.note_fee(saas.payment_fees) IS
'Joins what was told of a fee into payment_fees: the newest by the provider''s time holds, and of the same time the one whose event comes last by name.';
REVOKE ALL ON FUNCTION saas.note_fee(saas.payment_fees) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.note_fee(saas.payment_fees) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.note_object_fees(
    p_team uuid,
    p_provider text,
    p_kind text,
    p_object jsonb,
    p_at timestamptz,
    p_event_id text
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_fee record;
    v_row saas.payment_fees;
BEGIN
    FOR v_fee IN
        SELECT f.kind, f.amount, f.currency FROM saas.stripe_fees(p_kind, p_object) AS f
        WHERE p_provider = 'stripe'
        UNION ALL
        SELECT f.kind, f.amount, f.currency FROM saas.paypal_fees(p_kind, p_object) AS f
        WHERE p_provider = 'paypal'
        UNION ALL
        SELECT f.kind, f.amount, f.currency FROM saas.square_fees(p_kind, p_object) AS f
        WHERE p_provider = 'square'
        UNION ALL
        SELECT f.kind, f.amount, f.currency FROM saas.razorpay_fees(p_kind, p_object) AS f
        WHERE p_provider = 'razorpay'
        UNION ALL
        SELECT f.kind, f.amount, f.currency FROM saas.neutral_fees(p_provider, p_kind, p_object) AS f
        WHERE p_provider IN ('standard', 'svix')
    LOOP
        IF v_row.kind = v_fee.kind THEN
            RAISE EXCEPTION USING ERRCODE = 'SA072', MESSAGE = 'a fee is told in several currencies';
        END IF;
        v_row.team_id := p_team;
        v_row.provider := p_provider;
        v_row.kind := v_fee.kind;
        v_row.provider_reference := saas.provider_object_id(
            COALESCE(p_object -> 'id', p_object -> 'payout_item_id'), true
        );
        v_row.amount := v_fee.amount;
        v_row.currency := v_fee.currency;
        v_row.snapshot_at := COALESCE(
            CASE p_provider
                WHEN 'paypal' THEN saas.provider_time(p_object -> 'update_time')
                WHEN 'square' THEN saas.provider_time(p_object -> 'updated_at')
            END,
            p_at
        );
        v_row.snapshot_event_id := p_event_id;
        v_row.occurred_at := COALESCE(
            CASE
                WHEN p_provider = 'stripe' THEN saas.stripe_time(p_object -> 'created')
                WHEN p_provider = 'paypal' THEN saas.provider_time(p_object -> 'create_time')
                WHEN p_provider = 'razorpay' THEN saas.stripe_time(p_object -> 'created_at')
                ELSE saas.provider_time(p_object -> 'created_at')
            END,
            v_row.snapshot_at
        );
        PERFORM saas.note_fee(v_row);
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.note_object_fees(uuid, text, text, jsonb, timestamptz, text) IS
'Joins the fees that an object of a provider tells of, as the event of that id and time showed it, into payment_fees.';
REVOKE ALL ON FUNCTION saas.note_object_fees(uuid, text, text, jsonb, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.note_object_fees(uuid, text, text, jsonb, timestamptz, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.tells_fee(p_provider text, p_payload jsonb, p_machine text)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    CASE p_provider
        WHEN 'stripe' THEN
            RETURN jsonb_typeof(p_payload #> '{data,object,balance_transaction}') = 'object'
                OR p_payload #>> '{data,object,application_fee}' IS NOT NULL;
        WHEN 'paypal' THEN
            RETURN p_payload -> 'resource'
                ?| '{seller_receivable_breakdown,seller_payable_breakdown,transaction_fee,payout_item_fee}'::text[];
        WHEN 'square' THEN
            RETURN p_payload #> ARRAY['data', 'object', p_machine]
                ?| '{processing_fee,app_fee_money,payout_fee}'::text[];
        WHEN 'razorpay' THEN
            RETURN p_payload -> 'payload' ?| '{payment,payout}'::text[];
        WHEN 'adyen' THEN
            RETURN false;
        ELSE
            RETURN p_payload -> 'data' ? 'fee';
    END CASE;
END
$$;
COMMENT ON FUNCTION saas.tells_fee(text, jsonb, text) IS
'Whether an event of any provider, about an object of this machine, may tell of a fee; NULL where it carries none.';
REVOKE ALL ON FUNCTION saas.tells_fee(text, jsonb, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.tells_fee(text, jsonb, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.record_event_fees(
    p_team uuid,
    p_provider text,
    p_payload jsonb,
    p_event_id text,
    p_machine text
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_objects jsonb := CASE p_provider -- one object, or those that the provider's event carries
        WHEN 'stripe' THEN p_payload #> '{data,object}'
        WHEN 'paypal' THEN p_payload -> 'resource'
        WHEN 'square' THEN p_payload #> ARRAY['data', 'object', p_machine]
        WHEN 'razorpay' THEN p_payload -> 'payload'
        ELSE p_payload -> 'data'
    END;
    v_at timestamptz := (saas.read_webhook(p_provider, p_payload)).provider_created_at;
BEGIN
    IF p_provider = 'razorpay' THEN
        PERFORM saas.note_object_fees(p_team, p_provider, o.key, o.value -> 'entity', v_at, p_event_id)
        FROM jsonb_each(v_objects) AS o
        WHERE o.key IN ('payment', 'payout') AND jsonb_typeof(o.value -> 'entity') = 'object';
    ELSE
        PERFORM saas.note_object_fees(
            p_team, p_provider,
            CASE p_provider
                WHEN 'stripe' THEN v_objects ->> 'object'
                WHEN 'paypal' THEN replace(p_payload ->> 'resource_type', '-', '_')
                WHEN 'square' THEN p_machine
                ELSE split_part(p_payload ->> 'type', '.', 1)
            END,
            v_objects, v_at, p_event_id
        );
    END IF;
END
$$;
COMMENT ON FUNCTION saas.record_event_fees(uuid, text, jsonb, text, text) IS
'Joins the fees that an event of any provider tells of, as saas.tells_fee() says, about an object of this machine, into payment_fees.';
REVOKE ALL ON FUNCTION saas.record_event_fees(uuid, text, jsonb, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.record_event_fees(uuid, text, jsonb, text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.record_payment_fee(
    p_team uuid,
    p_provider text,
    p_provider_reference text,
    p_amount bigint,
    p_currency text,
    p_occurred_at timestamptz,
    p_kind text DEFAULT 'processing',
    p_told_at timestamptz DEFAULT now()
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_row saas.payment_fees;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    IF p_amount IS NULL OR p_occurred_at IS NULL OR p_told_at IS NULL
        OR NOT isfinite(p_occurred_at) OR NOT isfinite(p_told_at)
        OR p_provider_reference IS NULL OR length(p_provider_reference) NOT BETWEEN 1 AND 255
        OR p_kind IS NULL OR p_kind NOT IN ('processing', 'application', 'transfer')
    THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'the provider''s identifier, an amount, the time and the kind of a fee are needed',
            HINT = 'Kinds are processing, application and transfer; an amount that was given back is negative.';
    ELSIF NOT EXISTS (
        SELECT FROM saas.payment_providers AS p WHERE p.team_id = p_team AND p.provider = p_provider
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA081',
            MESSAGE = 'the team has no such provider',
            HINT = 'Set one up with saas.configure_payment_provider().';
    END IF;
    v_row.team_id := p_team;
    v_row.provider := p_provider;
    v_row.kind := p_kind;
    v_row.provider_reference := p_provider_reference;
    v_row.amount := p_amount;
    v_row.currency := (saas.provider_currency(p_provider, p_currency)).code;
    v_row.occurred_at := p_occurred_at;
    v_row.snapshot_at := p_told_at;
    RETURN saas.note_fee(v_row);
END
$$;
COMMENT ON FUNCTION saas.record_payment_fee(uuid, text, text, bigint, text, timestamptz, text, timestamptz) IS
'Records what a provider took for an object of its own (in minor units; negative: gave back) where no event says so: Stripe''s balance transactions, Adyen''s settlement report. The same object and kind is the same fee, whoever tells of it; what was told last by p_told_at holds. For admins and workers. SA081 without such a provider.';
REVOKE ALL ON FUNCTION saas.record_payment_fee(uuid, text, text, bigint, text, timestamptz, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.record_payment_fee(uuid, text, text, bigint, text, timestamptz, text, timestamptz)
TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.post_fee_to_ledger()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_amount bigint := NEW.amount;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.currency = OLD.currency THEN
            v_amount := v_amount - OLD.amount;
        ELSE
            PERFORM saas.post_difference(
                OLD.team_id, OLD.provider, OLD.currency, -OLD.amount, '{fee,fee_returned}',
                'provider_fees', 'provider_balance', 'payment_fees', OLD.id, NEW.occurred_at
            );
        END IF;
    END IF;
    PERFORM saas.post_difference(
        NEW.team_id, NEW.provider, NEW.currency, v_amount, '{fee,fee_returned}',
        'provider_fees', 'provider_balance', 'payment_fees', NEW.id, NEW.occurred_at
    );
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.post_fee_to_ledger() IS
'AFTER INSERT OR UPDATE row trigger of payment_fees: posts by how much a fee has changed.';
REVOKE ALL ON FUNCTION saas.post_fee_to_ledger() FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.mark_fee_days()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    INSERT INTO saas.payment_analytics_changes (team_id, day)
    VALUES (NEW.team_id, saas.utc_day(NEW.occurred_at));
    IF TG_OP = 'UPDATE' AND saas.utc_day(OLD.occurred_at) <> saas.utc_day(NEW.occurred_at) THEN
        INSERT INTO saas.payment_analytics_changes (team_id, day)
        VALUES (OLD.team_id, saas.utc_day(OLD.occurred_at));
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.mark_fee_days() IS
'AFTER INSERT OR UPDATE row trigger of payment_fees: the figures of its day, and of a former one, are out of date.';
REVOKE ALL ON FUNCTION saas.mark_fee_days() FROM PUBLIC;

CREATE OR REPLACE TRIGGER payment_fees_20_immutable
BEFORE UPDATE ON saas.payment_fees
FOR EACH ROW EXECUTE FUNCTION saas.enforce_immutable('team_id', 'id', 'provider', 'kind', 'provider_reference');
CREATE OR REPLACE TRIGGER payment_fees_30_updated_at
BEFORE UPDATE ON saas.payment_fees
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();
CREATE OR REPLACE TRIGGER payment_fees_50_ledger
AFTER INSERT OR UPDATE ON saas.payment_fees
FOR EACH ROW EXECUTE FUNCTION saas.post_fee_to_ledger();
CREATE OR REPLACE TRIGGER payment_fees_60_analytics
AFTER INSERT OR UPDATE ON saas.payment_fees
FOR EACH ROW EXECUTE FUNCTION saas.mark_fee_days();
SELECT saas.add_refuse_delete('saas.payment_fees');
