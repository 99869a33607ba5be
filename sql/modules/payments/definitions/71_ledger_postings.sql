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
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF p_difference > 0 THEN
        PERFORM saas.post_ledger_transaction(
            p_team, p_kinds[1], p_provider, p_currency, p_debit, p_credit, p_difference,
            p_ref_table, p_ref_id, p_effective_at
        );
    ELSIF p_difference < 0 THEN
        PERFORM saas.post_ledger_transaction(
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

CREATE OR REPLACE FUNCTION saas.post_payment_to_ledger()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_captured bigint := NEW.amount_captured;
    v_refunded bigint := NEW.amount_refunded;
    v_at timestamptz := COALESCE(NEW.snapshot_at, now());
BEGIN
    IF TG_OP = 'UPDATE' THEN
        v_captured := v_captured - OLD.amount_captured;
        v_refunded := v_refunded - OLD.amount_refunded;
    END IF;
    PERFORM saas.post_difference(
        NEW.team_id, NEW.provider, NEW.currency, v_captured, '{capture,adjustment}',
        'provider_balance', 'sales', 'payments', NEW.id, v_at
    );
    PERFORM saas.post_difference(
        NEW.team_id, NEW.provider, NEW.currency, v_refunded, '{refund,refund_returned}',
        'refunds', 'provider_balance', 'payments', NEW.id, v_at
    );
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.post_payment_to_ledger() IS
'AFTER INSERT OR UPDATE row trigger of payments: posts by how much the captured and the refunded amount have changed.';
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
    new.amount_captured <> old.amount_captured OR new.amount_refunded <> old.amount_refunded
)
EXECUTE FUNCTION saas.post_payment_to_ledger();
