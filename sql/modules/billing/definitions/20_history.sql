-- States of subscriptions, what of them never changes, and their history.
CREATE OR REPLACE FUNCTION saas.check_subscription_change()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF OLD.ended_at IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA140',
            MESSAGE = 'the subscription has ended',
            HINT = 'Subscribe again: revenue then counts it as a reactivation.';
    ELSIF NEW.effective_at < OLD.effective_at THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA141',
            MESSAGE = 'a change of a subscription cannot take effect before the one before it',
            DETAIL = format('The present terms hold from %s on.', OLD.effective_at);
    END IF;
    IF NEW.effective_at = OLD.effective_at AND NEW.revision = OLD.revision THEN
        -- Whoever does not say since when means now.
        NEW.effective_at := greatest(OLD.effective_at, statement_timestamp());
    END IF;
    NEW.revision := OLD.revision + 1;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION saas.check_subscription_change() IS
'BEFORE UPDATE row trigger of subscriptions: numbers their revisions. An ended one does not change (SA140); changes take effect in order (SA141).';
REVOKE ALL ON FUNCTION saas.check_subscription_change() FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.record_subscription_change()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    INSERT INTO saas.subscription_changes (
        team_id, subscription_id, revision, effective_at, customer_id, plan_id, status, billing_interval,
        interval_count, quantity, unit_amount, currency, usage_type, discount_basis_points, discount_amount,
        discount_ends_at, tax_basis_points, tax_inclusive, current_period_end, cancel_at_period_end
    )
    VALUES (
        NEW.team_id, NEW.id, NEW.revision, NEW.effective_at, NEW.customer_id, NEW.plan_id, NEW.status,
        NEW.billing_interval, NEW.interval_count, NEW.quantity, NEW.unit_amount, NEW.currency, NEW.usage_type,
        NEW.discount_basis_points, NEW.discount_amount, NEW.discount_ends_at, NEW.tax_basis_points,
        NEW.tax_inclusive, NEW.current_period_end, NEW.cancel_at_period_end
    );
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.record_subscription_change() IS
'AFTER row trigger of subscriptions: writes the new terms into their history.';
REVOKE ALL ON FUNCTION saas.record_subscription_change() FROM PUBLIC;

CREATE OR REPLACE TRIGGER subscriptions_05_change
BEFORE UPDATE ON saas.subscriptions
FOR EACH ROW EXECUTE FUNCTION saas.check_subscription_change();
CREATE OR REPLACE TRIGGER subscriptions_10_state
BEFORE INSERT OR UPDATE ON saas.subscriptions
FOR EACH ROW EXECUTE FUNCTION saas.enforce_state_machine('subscription', 'status');
CREATE OR REPLACE TRIGGER subscriptions_20_immutable
BEFORE UPDATE ON saas.subscriptions
FOR EACH ROW
EXECUTE FUNCTION saas.enforce_immutable('team_id', 'id', 'customer_id', 'currency', 'started_at');
CREATE OR REPLACE TRIGGER subscriptions_30_updated_at
BEFORE UPDATE ON saas.subscriptions
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();
CREATE OR REPLACE TRIGGER subscriptions_50_history
AFTER INSERT OR UPDATE ON saas.subscriptions
FOR EACH ROW EXECUTE FUNCTION saas.record_subscription_change();
CREATE OR REPLACE TRIGGER subscription_plans_30_updated_at
BEFORE UPDATE ON saas.subscription_plans
FOR EACH ROW EXECUTE FUNCTION saas.set_updated_at();

-- History goes with its team, and only then.
CREATE OR REPLACE FUNCTION saas.refuse_subscription_history_change()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF NOT EXISTS (SELECT FROM saas.teams AS t WHERE t.id = OLD.team_id) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'SA142',
        MESSAGE = 'the history of subscriptions is append-only',
        HINT = 'Change the subscription: that adds to its history.';
END
$$;
COMMENT ON FUNCTION saas.refuse_subscription_history_change() IS
'Trigger of the history of subscriptions: refuses UPDATE, and DELETE but of a team that is gone (SA142).';
REVOKE ALL ON FUNCTION saas.refuse_subscription_history_change() FROM PUBLIC;
CREATE OR REPLACE TRIGGER subscription_changes_20_append_only
BEFORE UPDATE OR DELETE ON saas.subscription_changes
FOR EACH ROW EXECUTE FUNCTION saas.refuse_subscription_history_change();
