-- What may be paid out, and what keeps it back.
CREATE OR REPLACE FUNCTION saas.uuid_since(p_at timestamptz)
RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT rpad(lpad(to_hex(floor(extract(epoch FROM p_at) * 1000)::bigint), 12, '0'), 32, '0')::uuid
$$;
COMMENT ON FUNCTION saas.uuid_since(timestamptz) IS
'The least UUID of version 7 that may have been made at a moment from 1970 on: those that were made later are greater.';
REVOKE ALL ON FUNCTION saas.uuid_since(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.uuid_since(timestamptz) TO saas_app, saas_service, saas_internal;

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
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    -- A value of its own, so that the planner sees how little is left to look at.
    v_since uuid := COALESCE(
        (
            SELECT saas.uuid_since(s.settled_before)
            FROM saas.payout_schedules AS s
            WHERE s.team_id = p_team AND s.provider = p_provider AND s.currency = p_currency::char(3)
        ),
        '00000000-0000-0000-0000-000000000000'
    );
BEGIN
    -- Few entries are in no payout: they are found before anything else is joined.
    RETURN QUERY
    WITH unpaid AS MATERIALIZED (
        SELECT e.id, e.transaction_id, e.amount, e.effective_at
        FROM saas.ledger_accounts AS a
        JOIN saas.ledger_entries AS e
            ON e.team_id = a.team_id AND e.account_id = a.id AND e.currency = a.currency
        WHERE a.team_id = p_team
            AND a.kind = 'provider_balance'
            AND a.provider = p_provider
            AND a.currency = p_currency::char(3)
            AND e.team_id = p_team
            AND e.layer = 'posted'
            AND e.id >= v_since
            AND NOT EXISTS (
                SELECT FROM saas.payout_items AS i
                WHERE i.team_id = p_team AND i.entry_id = e.id AND i.released_at IS NULL
            )
    )
    SELECT u.id, u.amount, t.kind
    FROM unpaid AS u
    -- Each by its key, also while the planner takes the tables for small: the first run takes all there is.
    CROSS JOIN LATERAL (
        SELECT l.kind, l.ref_table, l.ref_id
        FROM saas.ledger_transactions AS l
        WHERE l.team_id = p_team AND l.id = u.transaction_id
        OFFSET 0
    ) AS t
    -- What went out counts at once, what came in after the delay; a reserve and a remainder have waited already.
    WHERE (u.amount < 0 OR u.effective_at <= p_came_by OR t.kind IN ('reserve_released', 'payout_remainder'))
        -- A payout of ours is not what it is made of; what it left in the balance is for the next one.
        AND (t.ref_table IS DISTINCT FROM 'payouts' OR t.kind = 'payout_remainder' OR NOT EXISTS (
            SELECT FROM saas.payouts AS p
            WHERE p.team_id = p_team AND p.id = t.ref_id AND p.scheduled_for IS NOT NULL
        ));
END
$$;
COMMENT ON FUNCTION saas.unpaid_entries(uuid, text, text, timestamptz) IS
'The entries of a provider''s balance that belong to no payout of ours: all that went out, and what came in by a moment. Entries that were posted before the schedule''s settled_before are not looked at.';
REVOKE ALL ON FUNCTION saas.unpaid_entries(uuid, text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.unpaid_entries(uuid, text, text, timestamptz) TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.moment_of_uuid(p_id uuid)
RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT to_timestamp(('x' || left(replace(p_id::text, '-', ''), 12))::bit(48)::bigint / 1000.0)
$$;
COMMENT ON FUNCTION saas.moment_of_uuid(uuid) IS 'When a UUID of version 7 was made, to the millisecond.';
REVOKE ALL ON FUNCTION saas.moment_of_uuid(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.moment_of_uuid(uuid) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.settling_has_ended(p_xact_id xid8)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- A number beyond those given out comes from another server: what was restored from there is here.
    SELECT pg_snapshot_xmin(s.now) >= p_xact_id
        OR (p_xact_id > pg_current_xact_id_if_assigned() AND p_xact_id >= pg_snapshot_xmax(s.now))
    FROM (SELECT pg_current_snapshot()) AS s (now)
$$;
COMMENT ON FUNCTION saas.settling_has_ended(xid8) IS
'Whether this statement sees what all transactions before that one have done: each of them has ended. NULL for NULL.';
REVOKE ALL ON FUNCTION saas.settling_has_ended(xid8) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.settling_has_ended(xid8) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.settled_before(p_schedule saas.payout_schedules)
RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- An entry is older than the commit that shows it, by whatever its transaction took. Those from before
    -- settling_at are all to be seen once the transactions of then have ended. The week is for clocks that are put back.
    SELECT CASE
        WHEN saas.settling_has_ended(p_schedule.settling_xact_id) THEN LEAST(
            p_schedule.settling_at,
            clock_timestamp() - interval '7 days',
            (
                SELECT saas.moment_of_uuid(u.entry_id)
                FROM saas.unpaid_entries(
                    p_schedule.team_id, p_schedule.provider, p_schedule.currency, 'infinity'
                ) AS u
                ORDER BY u.entry_id
                LIMIT 1
            )
        )
        ELSE p_schedule.settled_before
    END
$$;
COMMENT ON FUNCTION saas.settled_before(saas.payout_schedules) IS
'Since when entries of the schedule''s balance may be in no payout: the oldest one that is in none, at least a week ago, and never past what transactions that are still open may post.';
REVOKE ALL ON FUNCTION saas.settled_before(saas.payout_schedules) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.settled_before(saas.payout_schedules) TO saas_internal;

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
        UNION
        -- Read, not opened as a hold when an event comes: events lock payments before payouts, runs do not.
        SELECT 'integrity'
        FROM saas.payments AS p
        WHERE p.team_id = p_schedule.team_id
            AND p.provider = p_schedule.provider
            AND p.currency = p_schedule.currency
            AND p.integrity_hold
            AND p.amount_captured > 0
    ) AS r
$$;
COMMENT ON FUNCTION saas.payout_hold_reasons(saas.payout_schedules) IS
'Why payouts of a schedule are held back now: the reasons of open holds, dispute where the schedule minds open disputes, and integrity while a payment that has brought money, of its provider and currency, is on hold. Empty when nothing holds them.';
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
    -- Also where nothing changes: a run that goes on at the same time does not see what is free again, and waits.
    UPDATE saas.payout_schedules AS s
    SET settled_before = LEAST(s.settled_before, i.oldest)
    FROM (
        SELECT min(saas.moment_of_uuid(x.entry_id)) AS oldest
        FROM saas.payout_items AS x
        WHERE x.team_id = NEW.team_id AND x.payout_id = NEW.id
    ) AS i
    WHERE s.team_id = NEW.team_id AND s.id = NEW.payout_schedule_id;
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
