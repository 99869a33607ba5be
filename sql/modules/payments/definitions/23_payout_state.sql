-- What never changes of payouts that we make, and what has to hold of their items at commit.
CREATE OR REPLACE TRIGGER payout_schedules_20_immutable
BEFORE UPDATE ON saas.payout_schedules
FOR EACH ROW EXECUTE FUNCTION saas.enforce_immutable('team_id', 'id', 'provider', 'currency');
CREATE OR REPLACE TRIGGER payout_schedules_30_updated_at
BEFORE UPDATE ON saas.payout_schedules
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();
CREATE OR REPLACE TRIGGER payouts_21_immutable
BEFORE UPDATE ON saas.payouts
FOR EACH ROW
EXECUTE FUNCTION saas.enforce_immutable(
    'payout_schedule_id', 'scheduled_for', 'scheduled_xact_id', 'reserve_amount'
);
CREATE OR REPLACE TRIGGER payout_reserves_10_state
BEFORE INSERT OR UPDATE ON saas.payout_reserves
FOR EACH ROW EXECUTE FUNCTION saas.enforce_state_machine('payout_reserve', 'status');
CREATE OR REPLACE TRIGGER payout_reserves_20_immutable
BEFORE UPDATE ON saas.payout_reserves
FOR EACH ROW
EXECUTE FUNCTION saas.enforce_immutable('team_id', 'id', 'payout_id', 'provider', 'amount', 'currency');
CREATE OR REPLACE TRIGGER payout_items_20_immutable
BEFORE UPDATE ON saas.payout_items
FOR EACH ROW
EXECUTE FUNCTION saas.enforce_immutable('team_id', 'id', 'payout_id', 'entry_id', 'amount', 'currency');

CREATE OR REPLACE FUNCTION saas.check_payout_item()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_account uuid;
BEGIN
    -- By itself, so that the entry is found by its key: beside its account, the planner may read through all of the
    -- account for each of hundreds of thousands.
    SELECT e.account_id INTO v_account
    FROM saas.ledger_entries AS e
    WHERE e.team_id = NEW.team_id
        AND e.id = NEW.entry_id
        AND e.amount = NEW.amount
        AND e.currency = NEW.currency
        AND e.layer = 'posted';
    IF NOT FOUND OR NOT EXISTS (
        SELECT
        FROM saas.payouts AS p
        JOIN saas.ledger_accounts AS a ON a.team_id = p.team_id AND a.id = v_account
        WHERE p.team_id = NEW.team_id
            AND p.id = NEW.payout_id
            AND p.currency = NEW.currency
            AND p.scheduled_xact_id = pg_current_xact_id()
            AND a.kind = 'provider_balance'
            AND a.provider = p.provider
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA089',
            MESSAGE = 'a payout consists of entries of its provider''s balance, set aside when it was made';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION saas.check_payout_item() IS
'BEFORE INSERT row trigger of payout_items: the entry belongs to the balance that the payout is made from, and is added by the transaction that made the payout (SA089).';
REVOKE ALL ON FUNCTION saas.check_payout_item() FROM PUBLIC;
CREATE OR REPLACE TRIGGER payout_items_15_entry
BEFORE INSERT ON saas.payout_items
FOR EACH ROW EXECUTE FUNCTION saas.check_payout_item();

CREATE OR REPLACE FUNCTION saas.require_payout_balance(p_team uuid, p_payout uuid)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_payout saas.payouts;
    v_items numeric;
BEGIN
    SELECT p.* INTO v_payout
    FROM saas.payouts AS p
    WHERE p.team_id = p_team AND p.id = p_payout;
    IF v_payout.scheduled_for IS NULL THEN -- the provider's own, or gone with its team
        RETURN;
    END IF;
    SELECT COALESCE(sum(i.amount), 0) INTO v_items
    FROM saas.payout_items AS i
    WHERE i.team_id = p_team AND i.payout_id = p_payout AND i.released_at IS NULL;
    IF v_items <> (
        CASE WHEN v_payout.status IN ('failed', 'canceled', 'reversed') THEN 0 ELSE v_payout.amount END
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA089',
            MESSAGE = 'a payout is not the sum of what it consists of',
            DETAIL = format('Its entries of the ledger come to %s minor units.', v_items);
    END IF;
END
$$;
COMMENT ON FUNCTION saas.require_payout_balance(uuid, uuid) IS
'Raises SA089 unless a payout of ours equals the sum of its entries, or has none when it came to nothing.';
REVOKE ALL ON FUNCTION saas.require_payout_balance(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.require_payout_balance(uuid, uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.check_payout_balance()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_payout_balance(NEW.team_id, NEW.id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.check_payout_balance() IS
'Deferred constraint trigger of payouts: at commit each one of ours equals the sum of its entries (SA089).';
REVOKE ALL ON FUNCTION saas.check_payout_balance() FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.check_payout_item_release()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF OLD.released_at IS NOT NULL OR NOT EXISTS (
        SELECT
        FROM saas.payouts AS p
        WHERE p.team_id = NEW.team_id
            AND p.id = NEW.payout_id
            AND p.status IN ('failed', 'canceled', 'reversed')
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA089',
            MESSAGE = 'what a payout consists of is released when it came to nothing, and not taken back';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION saas.check_payout_item_release() IS
'BEFORE UPDATE row trigger of payout_items: released once, when the payout came to nothing (SA089).';
REVOKE ALL ON FUNCTION saas.check_payout_item_release() FROM PUBLIC;
CREATE OR REPLACE TRIGGER payout_items_16_release
BEFORE UPDATE ON saas.payout_items
FOR EACH ROW
WHEN (old.released_at IS DISTINCT FROM new.released_at)
EXECUTE FUNCTION saas.check_payout_item_release();
SELECT saas.add_refuse_delete('saas.payout_items');
SELECT saas.add_refuse_delete('saas.payout_reserves');

-- A constraint trigger cannot be replaced.
DROP TRIGGER IF EXISTS payouts_60_items ON saas.payouts;
CREATE CONSTRAINT TRIGGER payouts_60_items
AFTER INSERT OR UPDATE ON saas.payouts
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW
WHEN (new.scheduled_for IS NOT NULL)
EXECUTE FUNCTION saas.check_payout_balance();
