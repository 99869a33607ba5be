-- Figures by day, provider and currency. Changes mark days; filling works the marked days out anew.
CREATE OR REPLACE FUNCTION saas.utc_day(p_at timestamptz)
RETURNS date
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT (p_at AT TIME ZONE 'UTC')::date
$$;
COMMENT ON FUNCTION saas.utc_day(timestamptz) IS 'The day of a moment, in UTC.';
REVOKE ALL ON FUNCTION saas.utc_day(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.utc_day(timestamptz) TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.mark_payment_days(p_team uuid, p_payment uuid)
RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    INSERT INTO saas.payment_analytics_changes (team_id, day)
    SELECT p_team, saas.utc_day(COALESCE(p.provider_created_at, p.created_at))
    FROM saas.payments AS p
    WHERE p.team_id = p_team AND p.id = p_payment
    UNION
    SELECT p_team, saas.utc_day(COALESCE(r.provider_created_at, r.created_at))
    FROM saas.refunds AS r
    WHERE r.team_id = p_team AND r.payment_id = p_payment
    UNION
    SELECT p_team, saas.utc_day(COALESCE(d.provider_created_at, d.created_at))
    FROM saas.payment_disputes AS d
    WHERE d.team_id = p_team AND d.payment_id = p_payment
$$;
COMMENT ON FUNCTION saas.mark_payment_days(uuid, uuid) IS
'The figures of the days on which the payment, its refunds and its disputes were made are out of date. Checks no caller.';
REVOKE ALL ON FUNCTION saas.mark_payment_days(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.mark_payment_days(uuid, uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.mark_own_day()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_change saas.payment_analytics_changes;
BEGIN
    v_change.team_id := NEW.team_id;
    v_change.day := (COALESCE(NEW.provider_created_at, NEW.created_at) AT TIME ZONE 'UTC')::date;
    v_change := saas.insert_row(v_change);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.mark_own_day() IS
'AFTER row trigger of payments and payouts: the figures of the day that the row was made are out of date.';
REVOKE ALL ON FUNCTION saas.mark_own_day() FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.mark_former_day()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    INSERT INTO saas.payment_analytics_changes (team_id, day)
    VALUES (OLD.team_id, (COALESCE(OLD.provider_created_at, OLD.created_at) AT TIME ZONE 'UTC')::date);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.mark_former_day() IS
'AFTER UPDATE row trigger of payments, refunds, disputes and payouts whose day has changed: the figures of the former one are out of date.';
REVOKE ALL ON FUNCTION saas.mark_former_day() FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.mark_changed_payment()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.mark_payment_days(NEW.team_id, NEW.id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.mark_changed_payment() IS
'AFTER UPDATE row trigger of payments: the figures of its days are out of date.';
REVOKE ALL ON FUNCTION saas.mark_changed_payment() FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.mark_payment_of_row()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.mark_payment_days(NEW.team_id, NEW.payment_id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.mark_payment_of_row() IS
'AFTER row trigger of refunds and disputes: the figures of the days of their payment are out of date.';
REVOKE ALL ON FUNCTION saas.mark_payment_of_row() FROM PUBLIC;

CREATE OR REPLACE TRIGGER payments_60_analytics_insert
AFTER INSERT ON saas.payments
FOR EACH ROW EXECUTE FUNCTION saas.mark_own_day();
CREATE OR REPLACE TRIGGER payments_60_analytics_update
AFTER UPDATE ON saas.payments
FOR EACH ROW
WHEN (
    new.status <> old.status
    OR new.currency <> old.currency
    OR new.amount_captured <> old.amount_captured
    OR new.amount_refunded <> old.amount_refunded
    OR new.fraud_warned_at IS DISTINCT FROM old.fraud_warned_at
    OR new.provider_created_at IS DISTINCT FROM old.provider_created_at
)
EXECUTE FUNCTION saas.mark_changed_payment();
CREATE OR REPLACE TRIGGER payments_61_analytics_day
AFTER UPDATE ON saas.payments
FOR EACH ROW
WHEN (new.provider_created_at IS DISTINCT FROM old.provider_created_at)
EXECUTE FUNCTION saas.mark_former_day();
CREATE OR REPLACE TRIGGER refunds_60_analytics
AFTER INSERT OR UPDATE OF status, amount, provider_created_at ON saas.refunds
FOR EACH ROW EXECUTE FUNCTION saas.mark_payment_of_row();
CREATE OR REPLACE TRIGGER refunds_61_analytics_day
AFTER UPDATE ON saas.refunds
FOR EACH ROW
WHEN (new.provider_created_at IS DISTINCT FROM old.provider_created_at)
EXECUTE FUNCTION saas.mark_former_day();
CREATE OR REPLACE TRIGGER payment_disputes_60_analytics
AFTER INSERT OR UPDATE ON saas.payment_disputes
FOR EACH ROW EXECUTE FUNCTION saas.mark_payment_of_row();
CREATE OR REPLACE TRIGGER payment_disputes_61_analytics_day
AFTER UPDATE ON saas.payment_disputes
FOR EACH ROW
WHEN (new.provider_created_at IS DISTINCT FROM old.provider_created_at)
EXECUTE FUNCTION saas.mark_former_day();
CREATE OR REPLACE TRIGGER payouts_60_analytics
AFTER INSERT OR UPDATE ON saas.payouts
FOR EACH ROW EXECUTE FUNCTION saas.mark_own_day();
CREATE OR REPLACE TRIGGER payouts_61_analytics_day
AFTER UPDATE ON saas.payouts
FOR EACH ROW
WHEN (new.provider_created_at IS DISTINCT FROM old.provider_created_at)
EXECUTE FUNCTION saas.mark_former_day();
