-- States of disputes and payouts, and what of them never changes.
CREATE OR REPLACE FUNCTION saas.dispute_stage_rank(p_stage text)
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT array_position(ARRAY['pre_dispute', 'dispute', 'pre_arbitration', 'arbitration'], p_stage)
$$;
COMMENT ON FUNCTION saas.dispute_stage_rank(text) IS 'The place of a stage in their order, from 1; NULL for what is none.';
REVOKE ALL ON FUNCTION saas.dispute_stage_rank(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.dispute_stage_rank(text) TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.check_dispute_stage()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF saas.dispute_stage_rank(NEW.stage) < saas.dispute_stage_rank(OLD.stage) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA070',
            MESSAGE = format('a dispute does not go back from %s to %s', OLD.stage, NEW.stage);
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION saas.check_dispute_stage() IS
'BEFORE UPDATE row trigger of payment_disputes: the stage rises or stays (SA070).';
REVOKE ALL ON FUNCTION saas.check_dispute_stage() FROM PUBLIC;

CREATE OR REPLACE TRIGGER payment_disputes_10_state_insert
BEFORE INSERT ON saas.payment_disputes
FOR EACH ROW EXECUTE FUNCTION saas.enforce_state_machine('dispute', 'status', 'status_source');
CREATE OR REPLACE TRIGGER payment_disputes_10_state_update
BEFORE UPDATE ON saas.payment_disputes
FOR EACH ROW
WHEN (old.stage = new.stage)
EXECUTE FUNCTION saas.enforce_state_machine('dispute', 'status', 'status_source');
CREATE OR REPLACE TRIGGER payment_disputes_11_stage
BEFORE UPDATE ON saas.payment_disputes
FOR EACH ROW
WHEN (old.stage <> new.stage)
EXECUTE FUNCTION saas.check_dispute_stage();
CREATE OR REPLACE TRIGGER payment_disputes_20_immutable
BEFORE UPDATE ON saas.payment_disputes
FOR EACH ROW
EXECUTE FUNCTION saas.enforce_immutable(
    'team_id', 'id', 'payment_id', 'provider', 'provider_dispute_id', 'currency'
);
CREATE OR REPLACE TRIGGER payment_disputes_30_updated_at
BEFORE UPDATE ON saas.payment_disputes
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();

CREATE OR REPLACE TRIGGER payouts_10_state
BEFORE INSERT OR UPDATE ON saas.payouts
FOR EACH ROW EXECUTE FUNCTION saas.enforce_state_machine('payout', 'status', 'status_source');
CREATE OR REPLACE TRIGGER payouts_20_immutable
BEFORE UPDATE ON saas.payouts
FOR EACH ROW
EXECUTE FUNCTION saas.enforce_immutable('team_id', 'id', 'provider', 'amount', 'currency');
CREATE OR REPLACE TRIGGER payouts_30_updated_at
BEFORE UPDATE ON saas.payouts
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();
