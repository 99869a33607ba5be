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

CREATE OR REPLACE FUNCTION saas.mark_payment_day()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_day date := (COALESCE(NEW.provider_created_at, NEW.created_at) AT TIME ZONE 'UTC')::date;
    v_before date;
BEGIN
    INSERT INTO saas.payment_analytics_changes (team_id, day) VALUES (NEW.team_id, v_day);
    IF TG_OP = 'UPDATE' THEN
        v_before := (COALESCE(OLD.provider_created_at, OLD.created_at) AT TIME ZONE 'UTC')::date;
        IF v_before <> v_day THEN
            INSERT INTO saas.payment_analytics_changes (team_id, day) VALUES (NEW.team_id, v_before);
        END IF;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.mark_payment_day() IS
'AFTER row trigger of payments: the figures of the day that it was made are out of date, and when that day has changed, those of the former.';
REVOKE ALL ON FUNCTION saas.mark_payment_day() FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.mark_dispute_day()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    INSERT INTO saas.payment_analytics_changes (team_id, day)
    SELECT p.team_id, (COALESCE(p.provider_created_at, p.created_at) AT TIME ZONE 'UTC')::date
    FROM saas.payments AS p
    WHERE p.team_id = NEW.team_id AND p.id = NEW.payment_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.mark_dispute_day() IS
'AFTER row trigger of payment_disputes: the figures of the day that the disputed payment was made are out of date.';
REVOKE ALL ON FUNCTION saas.mark_dispute_day() FROM PUBLIC;

CREATE OR REPLACE FUNCTION saas.mark_ledger_day()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    INSERT INTO saas.payment_analytics_changes (team_id, day)
    VALUES (NEW.team_id, (NEW.effective_at AT TIME ZONE 'UTC')::date);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.mark_ledger_day() IS
'AFTER row trigger of ledger_transactions: the figures of the day on which money moved are out of date.';
REVOKE ALL ON FUNCTION saas.mark_ledger_day() FROM PUBLIC;

CREATE OR REPLACE TRIGGER payments_60_analytics_insert
AFTER INSERT ON saas.payments
FOR EACH ROW EXECUTE FUNCTION saas.mark_payment_day();
CREATE OR REPLACE TRIGGER payments_60_analytics_update
AFTER UPDATE ON saas.payments
FOR EACH ROW
WHEN (
    new.status <> old.status
    OR new.amount_refunded <> old.amount_refunded
    OR new.disputed_total <> old.disputed_total
    OR new.is_disputed <> old.is_disputed
    OR new.fraud_warned_at IS DISTINCT FROM old.fraud_warned_at
    OR new.provider_created_at IS DISTINCT FROM old.provider_created_at
)
EXECUTE FUNCTION saas.mark_payment_day();
CREATE OR REPLACE TRIGGER payment_disputes_60_analytics
AFTER INSERT OR UPDATE OF status, reason ON saas.payment_disputes
FOR EACH ROW EXECUTE FUNCTION saas.mark_dispute_day();
CREATE OR REPLACE TRIGGER ledger_transactions_60_analytics
AFTER INSERT ON saas.ledger_transactions
FOR EACH ROW EXECUTE FUNCTION saas.mark_ledger_day();

CREATE OR REPLACE FUNCTION saas.payment_figures(p_team uuid, p_days date[])
RETURNS TABLE (
    day date,
    provider text,
    currency char(3),
    attempts bigint,
    succeeded bigint,
    declined bigint,
    voided bigint,
    refunded bigint,
    disputed bigint,
    fraudulent bigint,
    amount_attempted numeric,
    amount_captured numeric,
    amount_refunded numeric,
    amount_disputed numeric,
    amount_fees numeric,
    amount_paid_out numeric
)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH days AS (
        SELECT DISTINCT
            d.day,
            d.day::timestamp AT TIME ZONE 'UTC' AS begins,
            (d.day + 1)::timestamp AT TIME ZONE 'UTC' AS ends
        FROM unnest(p_days) AS d (day)
    ), made AS (
        -- Payments on the day they were made, with what has become of them since.
        SELECT
            d.day, p.provider, p.currency,
            count(*) AS attempts,
            count(*) FILTER (WHERE p.status IN ('authorized', 'paid')) AS succeeded,
            count(*) FILTER (WHERE p.status = 'failed') AS declined,
            count(*) FILTER (WHERE p.status = 'voided') AS voided,
            count(*) FILTER (WHERE p.amount_refunded > 0) AS refunded,
            count(*) FILTER (WHERE x.disputed) AS disputed,
            count(*) FILTER (WHERE x.fraudulent OR p.fraud_warned_at IS NOT NULL) AS fraudulent,
            sum(p.amount) AS amount
        FROM days AS d
        JOIN saas.payments AS p
            ON p.team_id = p_team
                AND COALESCE(p.provider_created_at, p.created_at) >= d.begins
                AND COALESCE(p.provider_created_at, p.created_at) < d.ends
        CROSS JOIN LATERAL (
            -- An inquiry is no dispute yet.
            SELECT
                bool_or(c.status NOT IN ('warning_needs_response', 'warning_under_review', 'warning_closed', 'prevented'))
                    AS disputed,
                bool_or(c.reason ~* 'fraud|unauthorized|unauthorised|not_recognized' AND c.status <> 'won')
                    AS fraudulent
            FROM saas.payment_disputes AS c
            WHERE c.team_id = p_team AND c.payment_id = p.id
        ) AS x
        GROUP BY d.day, p.provider, p.currency
    ), moved AS (
        -- Money on the day it moved.
        SELECT
            d.day, a.provider, a.currency,
            sum(-e.amount) FILTER (WHERE a.kind = 'sales') AS captured,
            sum(e.amount) FILTER (WHERE a.kind = 'refunds') AS refunded,
            sum(e.amount) FILTER (WHERE a.kind IN ('disputed_funds', 'dispute_losses')) AS disputed,
            sum(e.amount) FILTER (WHERE a.kind = 'provider_fees') AS fees,
            sum(e.amount) FILTER (WHERE a.kind IN ('payouts_in_transit', 'bank')) AS paid_out
        FROM days AS d
        JOIN saas.ledger_accounts AS a
            ON a.team_id = p_team
                AND a.provider IS NOT NULL
                AND a.kind IN (
                    'sales', 'refunds', 'disputed_funds', 'dispute_losses', 'provider_fees', 'payouts_in_transit',
                    'bank'
                )
        JOIN saas.ledger_entries AS e
            ON e.team_id = a.team_id
                AND e.account_id = a.id
                AND e.currency = a.currency
                AND e.layer = 'posted'
                AND e.effective_at >= d.begins
                AND e.effective_at < d.ends
        GROUP BY d.day, a.provider, a.currency
    )
    SELECT
        day, provider, currency,
        COALESCE(n.attempts, 0), COALESCE(n.succeeded, 0), COALESCE(n.declined, 0), COALESCE(n.voided, 0),
        COALESCE(n.refunded, 0), COALESCE(n.disputed, 0), COALESCE(n.fraudulent, 0), COALESCE(n.amount, 0),
        COALESCE(m.captured, 0), COALESCE(m.refunded, 0), COALESCE(m.disputed, 0), COALESCE(m.fees, 0),
        COALESCE(m.paid_out, 0)
    FROM made AS n
    FULL JOIN moved AS m USING (day, provider, currency)
$$;
COMMENT ON FUNCTION saas.payment_figures(uuid, date[]) IS
'The figures of these days, worked out from payments, disputes and ledger. Under row-level security.';
REVOKE ALL ON FUNCTION saas.payment_figures(uuid, date[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.payment_figures(uuid, date[]) TO saas_app, saas_analyst, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.fill_payment_analytics(p_team uuid, p_most_days integer DEFAULT 366)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_days date[];
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    -- Two that fill at once take turns.
    PERFORM pg_advisory_xact_lock(hashtextextended('saas payment analytics ' || p_team, 0));
    -- What marks a day after this statement began stays marked; what was marked before is seen below.
    WITH due AS (
        SELECT DISTINCT c.day
        FROM saas.payment_analytics_changes AS c
        WHERE c.team_id = p_team
        ORDER BY c.day DESC
        LIMIT p_most_days
    ), marks AS (
        DELETE FROM saas.payment_analytics_changes AS c
        USING due AS d
        WHERE c.team_id = p_team AND c.day = d.day
        RETURNING c.day
    )
    SELECT array_agg(DISTINCT m.day) INTO v_days FROM marks AS m;
    IF v_days IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM saas.payment_analytics AS a WHERE a.team_id = p_team AND a.day = ANY (v_days);
    INSERT INTO saas.payment_analytics (
        team_id, day, provider, currency, attempts, succeeded, declined, voided, refunded, disputed,
        fraudulent, amount_attempted, amount_captured, amount_refunded, amount_disputed, amount_fees,
        amount_paid_out
    )
    SELECT p_team, f.* FROM saas.payment_figures(p_team, v_days) AS f;
    RETURN cardinality(v_days);
END
$$;
COMMENT ON FUNCTION saas.fill_payment_analytics(uuid, integer) IS
'Works the figures of the team''s days that have changed out anew, the latest first; returns how many days. Every change counts once, whenever it comes and whoever else fills. For admins and workers, every few minutes.';
REVOKE ALL ON FUNCTION saas.fill_payment_analytics(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.fill_payment_analytics(uuid, integer) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.teams_with_changed_payments()
RETURNS SETOF uuid
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT DISTINCT c.team_id FROM saas.payment_analytics_changes AS c ORDER BY c.team_id
$$;
COMMENT ON FUNCTION saas.teams_with_changed_payments() IS
'The teams whose figures are out of date: for workers, which fill them one by one.';
REVOKE ALL ON FUNCTION saas.teams_with_changed_payments() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.teams_with_changed_payments() TO saas_service;

CREATE OR REPLACE FUNCTION saas.payment_analytics_drift(p_team uuid)
RETURNS TABLE (day date, provider text, currency char(3), filled jsonb, recomputed jsonb)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH computed AS (
        SELECT f.day, f.provider, f.currency, to_jsonb(f) - '{day,provider,currency}'::text[] AS figures
        FROM saas.payment_figures(
            p_team,
            ARRAY(
                SELECT saas.utc_day(COALESCE(p.provider_created_at, p.created_at))
                FROM saas.payments AS p
                WHERE p.team_id = p_team
                UNION
                SELECT saas.utc_day(t.effective_at)
                FROM saas.ledger_transactions AS t
                WHERE t.team_id = p_team
            )
        ) AS f
    ), stored AS (
        SELECT
            a.day, a.provider, a.currency,
            to_jsonb(a) - '{team_id,id,day,provider,currency,filled_at}'::text[] AS figures
        FROM saas.payment_analytics AS a
        WHERE a.team_id = p_team
    )
    SELECT day, provider, currency, s.figures, c.figures
    FROM stored AS s
    FULL JOIN computed AS c USING (day, provider, currency)
    WHERE s.figures IS DISTINCT FROM c.figures
    ORDER BY day, provider, currency
$$;
COMMENT ON FUNCTION saas.payment_analytics_drift(uuid) IS
'Where the filled figures differ from all of them worked out anew: empty after saas.fill_payment_analytics(), or something is wrong. Under row-level security.';
REVOKE ALL ON FUNCTION saas.payment_analytics_drift(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.payment_analytics_drift(uuid) TO saas_app, saas_analyst, saas_service;

CREATE OR REPLACE FUNCTION saas.recompute_payment_analytics(p_team uuid)
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    INSERT INTO saas.payment_analytics_changes (team_id, day)
    SELECT p_team, d.day FROM saas.payment_analytics_drift(p_team) AS d;
    RETURN saas.fill_payment_analytics(p_team, 2147483647);
END
$$;
COMMENT ON FUNCTION saas.recompute_payment_analytics(uuid) IS
'Fills all days of the team that differ from what they should be, after a restore for instance; returns how many days. For admins and workers.';
REVOKE ALL ON FUNCTION saas.recompute_payment_analytics(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.recompute_payment_analytics(uuid) TO saas_app, saas_service;
