-- What changes of payments come to in the ledger, in the same transaction as the change.
CREATE OR REPLACE FUNCTION saas.post_difference(
    p_team uuid,
    p_provider text,
    p_currency text,
    p_difference bigint,
    p_kinds text[],
    p_debit text,
    p_credit text,
    p_ref_table text,
    p_ref_id uuid,
    p_effective_at timestamptz
)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    v_posted uuid;
BEGIN
    IF p_difference > 0 THEN
        v_posted := saas.post_ledger_transaction(
            p_team, p_kinds[1], p_provider, p_currency, p_debit, p_credit, p_difference,
            p_ref_table, p_ref_id, p_effective_at
        );
    ELSIF p_difference < 0 THEN
        v_posted := saas.post_ledger_transaction(
            p_team, p_kinds[2], p_provider, p_currency, p_credit, p_debit, -p_difference,
            p_ref_table, p_ref_id, p_effective_at
        );
    END IF;
END
$$;
COMMENT ON FUNCTION saas.post_difference(uuid, text, text, bigint, text[], text, text, text, uuid, timestamptz) IS
'Posts by how much a derived amount has changed: a rise as the first kind, from the credited to the debited account, a fall as the second kind, the other way round. Nothing for zero.';
REVOKE ALL ON FUNCTION saas.post_difference(uuid, text, text, bigint, text[], text, text, text, uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.post_difference(uuid, text, text, bigint, text[], text, text, text, uuid, timestamptz) TO saas_internal;

-- The payment's own snapshot tells when its money moved only where it brought the change. A refund, a capture or
-- an answer that changes the amounts has a time of its own, perhaps weeks later. Rows that this transaction has
-- written bear its time in updated_at.
CREATE OR REPLACE FUNCTION saas.refund_moved_at(p_team uuid, p_payment uuid, p_is_rise boolean)
RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN r.is_live THEN COALESCE(r.provider_created_at, r.created_at)
        -- Not before it was made, whatever the event says.
        ELSE greatest(COALESCE(r.snapshot_at, r.updated_at), r.provider_created_at)
    END
    FROM (
        SELECT f.*, f.status IN ('pending', 'requires_action', 'succeeded') AS is_live
        FROM saas.refunds AS f
        WHERE f.team_id = p_team AND f.payment_id = p_payment AND f.updated_at = now()
    ) AS r
    ORDER BY p_is_rise = r.is_live DESC, r.id DESC
    LIMIT 1
$$;
COMMENT ON FUNCTION saas.refund_moved_at(uuid, uuid, boolean) IS
'When the refund was made that this transaction has written, or came back (looked for first where the amount falls); NULL when it has written none.';
REVOKE ALL ON FUNCTION saas.refund_moved_at(uuid, uuid, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.refund_moved_at(uuid, uuid, boolean) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.capture_moved_at(p_team uuid, p_payment uuid)
RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    -- Of a capture that we asked for occurred_at is when; it has happened when the provider says so.
    SELECT CASE t.status_source WHEN 'api' THEN t.updated_at ELSE COALESCE(t.occurred_at, t.updated_at) END
    FROM saas.payment_transactions AS t
    WHERE t.team_id = p_team
        AND t.payment_id = p_payment
        AND t.operation = 'capture'
        AND t.updated_at = now()
    ORDER BY t.id DESC
    LIMIT 1
$$;
COMMENT ON FUNCTION saas.capture_moved_at(uuid, uuid) IS
'When the capture happened that this transaction has written; NULL when it has written none.';
REVOKE ALL ON FUNCTION saas.capture_moved_at(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.capture_moved_at(uuid, uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.post_payment_to_ledger()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_captured bigint := NEW.amount_captured;
    v_refunded bigint := NEW.amount_refunded;
    v_at timestamptz := COALESCE(NEW.snapshot_at, now());
    -- Something else than a newer snapshot of the payment has changed its amounts.
    v_is_beside boolean := TG_OP = 'UPDATE' AND NEW.snapshot_at IS NOT DISTINCT FROM OLD.snapshot_at;
    v_done text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.currency = OLD.currency THEN
            v_captured := v_captured - OLD.amount_captured;
            v_refunded := v_refunded - OLD.amount_refunded;
        ELSE -- the provider has contradicted itself: what was posted is taken back
            PERFORM saas.post_difference(
                OLD.team_id, OLD.provider, OLD.currency, -OLD.amount_captured, '{capture,adjustment}',
                'provider_balance', 'sales', 'payments', OLD.id, v_at
            );
            PERFORM saas.post_difference(
                OLD.team_id, OLD.provider, OLD.currency, -OLD.amount_refunded, '{refund,refund_returned}',
                'refunds', 'provider_balance', 'payments', OLD.id, v_at
            );
        END IF;
    END IF;
    IF v_captured <> 0 THEN
        v_done := saas.post_difference(
            NEW.team_id, NEW.provider, NEW.currency, v_captured, '{capture,adjustment}',
            'provider_balance', 'sales', 'payments', NEW.id,
            COALESCE(CASE WHEN v_is_beside THEN saas.capture_moved_at(NEW.team_id, NEW.id) END, v_at)
        );
    END IF;
    IF v_refunded <> 0 THEN
        v_done := saas.post_difference(
            NEW.team_id, NEW.provider, NEW.currency, v_refunded, '{refund,refund_returned}',
            'refunds', 'provider_balance', 'payments', NEW.id,
            COALESCE(
                CASE WHEN v_is_beside THEN saas.refund_moved_at(NEW.team_id, NEW.id, v_refunded > 0) END, v_at
            )
        );
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.post_payment_to_ledger() IS
'AFTER INSERT OR UPDATE row trigger of payments: posts by how much the captured and the refunded amount have changed, as of when that happened.';
REVOKE ALL ON FUNCTION saas.post_payment_to_ledger() FROM PUBLIC;

CREATE OR REPLACE TRIGGER payments_50_ledger_insert
AFTER INSERT ON saas.payments
FOR EACH ROW
WHEN (new.amount_captured <> 0 OR new.amount_refunded <> 0)
EXECUTE FUNCTION saas.post_payment_to_ledger();
CREATE OR REPLACE TRIGGER payments_50_ledger_update
AFTER UPDATE ON saas.payments
FOR EACH ROW
WHEN (
    new.amount_captured <> old.amount_captured
    OR new.amount_refunded <> old.amount_refunded
    OR new.currency <> old.currency
)
EXECUTE FUNCTION saas.post_payment_to_ledger();

CREATE OR REPLACE FUNCTION saas.post_dispute_to_ledger()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_lost bigint := CASE WHEN NEW.status = 'lost' THEN NEW.amount ELSE 0 END;
    v_withdrawn bigint := NEW.amount_withdrawn;
    v_fee bigint := NEW.fee_amount;
    v_at timestamptz := COALESCE(NEW.snapshot_at, now());
BEGIN
    IF TG_OP = 'UPDATE' THEN
        v_lost := v_lost - CASE WHEN OLD.status = 'lost' THEN OLD.amount ELSE 0 END;
        v_withdrawn := v_withdrawn - OLD.amount_withdrawn;
        v_fee := v_fee - OLD.fee_amount;
    END IF;
    PERFORM saas.post_difference(
        NEW.team_id, NEW.provider, NEW.currency, v_withdrawn, '{dispute_withdrawn,dispute_reinstated}',
        'disputed_funds', 'provider_balance', 'payment_disputes', NEW.id, v_at
    );
    PERFORM saas.post_difference(
        NEW.team_id, NEW.provider, NEW.currency, v_lost, '{dispute_lost,dispute_reinstated}',
        'dispute_losses', 'disputed_funds', 'payment_disputes', NEW.id, v_at
    );
    PERFORM saas.post_difference(
        NEW.team_id, NEW.provider, NEW.currency, v_fee, '{dispute_fee,fee_returned}',
        'provider_fees', 'provider_balance', 'payment_disputes', NEW.id, v_at
    );
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.post_dispute_to_ledger() IS
'AFTER INSERT OR UPDATE row trigger of payment_disputes: posts by how much the withdrawn and the lost amount and the fee have changed.';
REVOKE ALL ON FUNCTION saas.post_dispute_to_ledger() FROM PUBLIC;

CREATE OR REPLACE TRIGGER payment_disputes_50_ledger
AFTER INSERT OR UPDATE ON saas.payment_disputes
FOR EACH ROW EXECUTE FUNCTION saas.post_dispute_to_ledger();

CREATE OR REPLACE FUNCTION saas.post_payout_to_ledger()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    -- What has left the provider, and what of it has arrived at the bank.
    v_sent bigint := CASE WHEN NEW.status IN ('pending', 'in_transit', 'paid') THEN NEW.amount ELSE 0 END;
    v_paid bigint := CASE WHEN NEW.status = 'paid' THEN NEW.amount ELSE 0 END;
    v_at timestamptz := COALESCE(NEW.snapshot_at, now());
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.snapshot_at = OLD.snapshot_at AND NEW.status <> OLD.status AND NEW.status_source <> 'conflict' THEN
            v_at := now(); -- no event has brought the change
        END IF;
        v_sent := v_sent
            - CASE WHEN OLD.status IN ('pending', 'in_transit', 'paid') THEN OLD.amount ELSE 0 END;
        v_paid := v_paid - CASE WHEN OLD.status = 'paid' THEN OLD.amount ELSE 0 END;
    END IF;
    PERFORM saas.post_difference(
        NEW.team_id, NEW.provider, NEW.currency, v_sent, '{payout,payout_returned}',
        'payouts_in_transit', 'provider_balance', 'payouts', NEW.id, v_at
    );
    PERFORM saas.post_difference(
        NEW.team_id, NEW.provider, NEW.currency, v_paid, '{payout_paid,payout_returned}',
        'bank', 'payouts_in_transit', 'payouts', NEW.id, v_at
    );
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.post_payout_to_ledger() IS
'AFTER INSERT OR UPDATE row trigger of payouts: posts by how much what is sent and what has arrived have changed.';
REVOKE ALL ON FUNCTION saas.post_payout_to_ledger() FROM PUBLIC;

CREATE OR REPLACE TRIGGER payouts_50_ledger
AFTER INSERT OR UPDATE ON saas.payouts
FOR EACH ROW EXECUTE FUNCTION saas.post_payout_to_ledger();
