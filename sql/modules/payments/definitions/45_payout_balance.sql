-- What may be paid out, and what keeps it back.
CREATE OR REPLACE FUNCTION saas.unpaid_entries(
    p_team uuid,
    p_provider text,
    p_currency text,
    p_came_by timestamptz,
    OUT entry_id uuid,
    OUT amount bigint,
    OUT kind text
)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT e.id, e.amount, t.kind
    FROM saas.ledger_accounts AS a
    JOIN saas.ledger_entries AS e
        ON e.team_id = a.team_id AND e.account_id = a.id AND e.currency = a.currency
    JOIN saas.ledger_transactions AS t ON t.team_id = e.team_id AND t.id = e.transaction_id
    LEFT JOIN saas.payouts AS p
        ON t.ref_table = 'payouts' AND p.team_id = t.team_id AND p.id = t.ref_id
    WHERE a.team_id = p_team
        AND a.kind = 'provider_balance'
        AND a.provider = p_provider
        AND a.currency = p_currency
        AND e.layer = 'posted'
        -- What went out counts at once, what came in after the delay; a reserve has waited already.
        AND (e.amount < 0 OR e.effective_at <= p_came_by OR t.kind = 'reserve_released')
        -- A payout of ours is not what it is made of.
        AND p.scheduled_for IS NULL
        AND NOT EXISTS (
            SELECT FROM saas.payout_items AS i
            WHERE i.team_id = e.team_id AND i.entry_id = e.id AND i.released_at IS NULL
        )
$$;
COMMENT ON FUNCTION saas.unpaid_entries(uuid, text, text, timestamptz) IS
'The entries of a provider''s balance that belong to no payout of ours: all that went out, and what came in by a moment.';
REVOKE ALL ON FUNCTION saas.unpaid_entries(uuid, text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.unpaid_entries(uuid, text, text, timestamptz) TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.available_for_payout(
    p_team uuid,
    p_provider text,
    p_currency text,
    p_delay interval DEFAULT '0',
    p_now timestamptz DEFAULT now()
)
RETURNS numeric
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT COALESCE(sum(u.amount), 0)
    FROM saas.unpaid_entries(p_team, p_provider, upper(p_currency), p_now - p_delay) AS u
$$;
COMMENT ON FUNCTION saas.available_for_payout(uuid, text, text, interval, timestamptz) IS
'What a new payout could pay of a provider''s balance, in minor units: what came in before the delay, less all that went out and what payouts under way consist of. May be negative. Under row-level security: of another team, nothing.';
REVOKE ALL ON FUNCTION saas.available_for_payout(uuid, text, text, interval, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.available_for_payout(uuid, text, text, interval, timestamptz)
TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.payout_hold_reasons(p_schedule saas.payout_schedules)
RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT COALESCE(array_agg(r.reason ORDER BY r.reason), '{}'::text[])
    FROM (
        SELECT h.reason
        FROM saas.payout_holds AS h
        WHERE h.team_id = p_schedule.team_id AND h.released_at IS NULL
        UNION
        SELECT 'dispute'
        FROM saas.payment_disputes AS d
        WHERE p_schedule.hold_on_disputes
            AND d.team_id = p_schedule.team_id
            AND d.provider = p_schedule.provider
            AND d.currency = p_schedule.currency
            AND d.status IN ('warning_needs_response', 'warning_under_review', 'needs_response', 'under_review')
    ) AS r
$$;
COMMENT ON FUNCTION saas.payout_hold_reasons(saas.payout_schedules) IS
'Why payouts of a schedule are held back now: the reasons of open holds, and dispute where the schedule minds open disputes. Empty when nothing holds them.';
REVOKE ALL ON FUNCTION saas.payout_hold_reasons(saas.payout_schedules) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.payout_hold_reasons(saas.payout_schedules) TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.release_payout_items()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    UPDATE saas.payout_items AS i
    SET released_at = clock_timestamp()
    WHERE i.team_id = NEW.team_id AND i.payout_id = NEW.id AND i.released_at IS NULL;
    UPDATE saas.payout_reserves AS r
    SET status = 'released',
        released_at = clock_timestamp()
    WHERE r.team_id = NEW.team_id AND r.payout_id = NEW.id AND r.status = 'held';
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.release_payout_items() IS
'AFTER UPDATE row trigger of payouts of ours that failed, were canceled or reversed: what they consisted of may be paid out again, and their reserve is released.';
REVOKE ALL ON FUNCTION saas.release_payout_items() FROM PUBLIC;
CREATE OR REPLACE TRIGGER payouts_40_release
AFTER UPDATE ON saas.payouts
FOR EACH ROW
WHEN (
    new.scheduled_for IS NOT NULL
    AND new.status IN ('failed', 'canceled', 'reversed')
    AND old.status NOT IN ('failed', 'canceled', 'reversed')
)
EXECUTE FUNCTION saas.release_payout_items();

CREATE OR REPLACE FUNCTION saas.post_reserve_to_ledger()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_held bigint := CASE NEW.status WHEN 'held' THEN NEW.amount ELSE 0 END;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        v_held := v_held - CASE OLD.status WHEN 'held' THEN OLD.amount ELSE 0 END;
    END IF;
    PERFORM saas.post_difference(
        NEW.team_id, NEW.provider, NEW.currency, v_held, '{reserve_held,reserve_released}',
        'reserve', 'provider_balance', 'payout_reserves', NEW.id, now()
    );
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION saas.post_reserve_to_ledger() IS
'AFTER INSERT OR UPDATE row trigger of payout_reserves: posts what is held and what is released.';
REVOKE ALL ON FUNCTION saas.post_reserve_to_ledger() FROM PUBLIC;
CREATE OR REPLACE TRIGGER payout_reserves_50_ledger
AFTER INSERT OR UPDATE ON saas.payout_reserves
FOR EACH ROW EXECUTE FUNCTION saas.post_reserve_to_ledger();
