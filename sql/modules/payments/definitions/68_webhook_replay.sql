-- Applying stored events again: after a state of a provider has been mapped, or an adapter mended.
CREATE OR REPLACE FUNCTION saas.check_replay_filter(p_filter jsonb)
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_key text;
BEGIN
    IF jsonb_typeof(p_filter) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'SA057', MESSAGE = 'the filter is no object';
    END IF;
    SELECT k.key INTO v_key
    FROM jsonb_each(p_filter) AS k
    WHERE CASE
        WHEN k.key IN ('provider', 'status', 'event_type', 'id') THEN
            k.value = '[]' OR EXISTS (
                SELECT FROM jsonb_path_query(k.value, '$[*]') AS v (value)
                WHERE jsonb_typeof(v.value) <> 'string'
                    OR CASE k.key
                        WHEN 'id' THEN saas.uuid_or_null(v.value #>> '{}') IS NULL
                        WHEN 'status' THEN v.value #>> '{}' NOT IN (
                            'ignored', 'superseded', 'conflict', 'processed', 'deferred', 'failed', 'dead'
                        )
                        WHEN 'provider' THEN NOT EXISTS (
                            SELECT FROM saas.provider_status_map AS m WHERE m.provider = v.value #>> '{}'
                        )
                        ELSE false
                    END
            )
        WHEN k.key IN ('from', 'to') THEN
            k.value = 'null' OR saas.provider_time(k.value) IS NULL
        WHEN k.key = 'limit' THEN
            k.value::text !~ '^[1-9][0-9]{0,4}$' OR length(k.value::text) > 5
        ELSE true
    END
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'SA057',
            MESSAGE = 'the filter has a member that is unknown or makes no sense',
            DETAIL = left(v_key, 100),
            HINT = 'provider, status, event_type and id are texts or arrays of them, known providers, statuses that can be replayed and identifiers; from and to are times of receipt as in RFC 3339; limit is a number up to 99999.';
    END IF;
END
$$;
COMMENT ON FUNCTION saas.check_replay_filter(jsonb) IS
'Refuses with SA057 a filter that saas.replay_webhooks() could not follow.';
REVOKE ALL ON FUNCTION saas.check_replay_filter(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.check_replay_filter(jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.filter_allows(p_filter jsonb, p_key text, p_value text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT CASE jsonb_typeof(p_filter -> p_key)
        WHEN 'string' THEN p_filter ->> p_key IS NOT DISTINCT FROM p_value
        WHEN 'array' THEN (p_filter -> p_key) ? p_value
        ELSE true
    END
$$;
COMMENT ON FUNCTION saas.filter_allows(jsonb, text, text) IS
'Whether a member of a filter, a text or an array of texts, lets a value pass; a missing one lets all pass.';
REVOKE ALL ON FUNCTION saas.filter_allows(jsonb, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.filter_allows(jsonb, text, text) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.events_to_replay(p_team uuid, p_filter jsonb)
RETURNS SETOF saas.webhook_events
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT e.*
    FROM saas.webhook_events AS e
    WHERE e.team_id = p_team
        AND e.status NOT IN ('rejected', 'cert_needed', 'unconfirmed')
        AND e.payload IS NOT NULL
        AND saas.filter_allows(p_filter, 'provider', e.provider)
        AND saas.filter_allows(p_filter, 'status', e.status)
        AND saas.filter_allows(p_filter, 'event_type', e.event_type)
        AND saas.filter_allows(p_filter, 'id', e.id::text)
        AND e.received_at >= COALESCE(saas.provider_time(p_filter -> 'from'), '-infinity')
        AND e.received_at < COALESCE(saas.provider_time(p_filter -> 'to'), 'infinity')
    ORDER BY e.provider_created_at, e.provider_event_id
    LIMIT COALESCE((p_filter ->> 'limit')::integer, 1000)
$$;
COMMENT ON FUNCTION saas.events_to_replay(uuid, jsonb) IS
'The stored events that the filter lets pass, in the provider''s order.';
REVOKE ALL ON FUNCTION saas.events_to_replay(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.events_to_replay(uuid, jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.replay_events(p_team uuid, p_filter jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_ids uuid[];
    v_event record;
    v_result record;
    v_now timestamptz := now();
BEGIN
    -- All of the events before anything that they are about, and in one order: whoever delivers or retries one of
    -- them has locked it first, too.
    SELECT array_agg(e.id) INTO v_ids
    FROM saas.events_to_replay(p_team, p_filter) AS e;
    FOR v_event IN
        SELECT e.provider, e.provider_event_id
        FROM saas.webhook_events AS e
        WHERE e.team_id = p_team AND e.id = ANY (v_ids)
        ORDER BY e.provider, e.provider_event_id
    LOOP
        PERFORM saas.lock_provider_object(p_team, v_event.provider, v_event.provider_event_id);
    END LOOP;
    FOR v_event IN
        SELECT e.id, e.provider, e.provider_event_id, e.payload, e.confirmed_at
        FROM saas.webhook_events AS e
        WHERE e.team_id = p_team AND e.id = ANY (v_ids)
        ORDER BY e.provider_created_at, e.provider_event_id
    LOOP
        v_result := saas.attempt_webhook(
            p_team, v_event.provider, v_event.provider_event_id, NULL,
            v_event.provider <> 'paypal' OR v_event.confirmed_at IS NOT NULL, v_event.payload
        );
        -- What was applied before stays so: applied again it is merely superseded, by itself.
        UPDATE saas.webhook_events AS e
        SET status = v_result.outcome,
            reason = v_result.detail,
            error_code = v_result.error_code,
            waits_for = v_result.waits_for,
            processed_at = CASE WHEN v_result.outcome NOT IN ('deferred', 'unconfirmed') THEN v_now END
        WHERE e.team_id = p_team
            AND e.id = v_event.id
            AND e.status IN ('ignored', 'deferred', 'failed', 'dead')
            AND (e.status, e.reason, e.waits_for)
                IS DISTINCT FROM (v_result.outcome, v_result.detail, v_result.waits_for);
        IF v_result.landed IS NOT NULL THEN
            PERFORM saas.drain_deferred_webhooks(p_team, v_event.provider, v_result.landed, v_now);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION saas.replay_events(uuid, jsonb) IS
'Applies the stored events that the filter lets pass once more, in the provider''s order.';
REVOKE ALL ON FUNCTION saas.replay_events(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.replay_events(uuid, jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.changes_since(p_team uuid, p_mark uuid, p_statuses jsonb)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH audited AS (
        SELECT l.id, l.table_name, l.row_id, l.operation, l.old_values, l.new_values
        FROM saas.audit_logs AS l
        WHERE l.team_id = p_team
            AND l.created_at >= transaction_timestamp()
            AND l.xact_id = pg_current_xact_id_if_assigned()
            AND l.id > p_mark
    ), members AS ( -- of each member the first value and the last one
        SELECT
            a.table_name,
            a.row_id,
            k.key,
            (array_agg(a.old_values -> k.key ORDER BY a.id))[1] AS old_value,
            (array_agg(a.new_values -> k.key ORDER BY a.id DESC))[1] AS new_value
        FROM audited AS a
        CROSS JOIN LATERAL jsonb_object_keys(COALESCE(a.new_values, a.old_values)) AS k (key)
        GROUP BY a.table_name, a.row_id, k.key
    ), changed AS (
        SELECT
            m.table_name,
            m.row_id,
            (
                SELECT (array_agg(a.operation ORDER BY a.id))[1]
                FROM audited AS a
                WHERE a.table_name = m.table_name AND a.row_id = m.row_id
            ) AS operation,
            jsonb_object_agg(m.key, m.old_value) AS before,
            jsonb_object_agg(m.key, m.new_value) AS after
        FROM members AS m
        WHERE m.old_value IS DISTINCT FROM m.new_value
        GROUP BY m.table_name, m.row_id
    ), rows AS (
        SELECT
            c.table_name,
            c.row_id,
            CASE c.operation WHEN 'I' THEN 'insert' WHEN 'D' THEN 'delete' ELSE 'update' END AS operation,
            CASE WHEN c.operation <> 'I' THEN c.before END AS before,
            CASE WHEN c.operation <> 'D' THEN c.after END AS after
        FROM changed AS c
        UNION ALL
        SELECT
            'saas.ledger_transactions',
            t.id,
            'insert',
            NULL,
            jsonb_build_object(
                'kind', t.kind, 'ref_table', t.ref_table, 'ref_id', t.ref_id, 'amount', (
                    SELECT sum(e.amount)
                    FROM saas.ledger_entries AS e
                    WHERE e.team_id = t.team_id AND e.transaction_id = t.id AND e.amount > 0
                )
            )
        FROM saas.ledger_transactions AS t
        WHERE t.team_id = p_team AND t.id > p_mark AND t.xact_id = pg_current_xact_id_if_assigned()
        UNION ALL
        SELECT
            'saas.webhook_events',
            e.id,
            'update',
            jsonb_build_object('status', p_statuses -> e.id::text),
            jsonb_build_object('status', e.status)
        FROM saas.webhook_events AS e
        WHERE e.team_id = p_team AND p_statuses ? e.id::text AND p_statuses ->> e.id::text <> e.status
    )
    SELECT COALESCE(jsonb_agg(to_jsonb(r) ORDER BY r.table_name, r.row_id), '[]') FROM rows AS r
$$;
COMMENT ON FUNCTION saas.changes_since(uuid, uuid, jsonb) IS
'What this transaction has changed of a team''s payments since the mark, row by row with the members before and after, from the audit trail, the ledger, and the statuses that events had.';
REVOKE ALL ON FUNCTION saas.changes_since(uuid, uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.changes_since(uuid, uuid, jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.replay_webhooks(
    p_team uuid,
    p_filter jsonb DEFAULT '{}',
    p_dry_run boolean DEFAULT true
)
RETURNS TABLE (
    table_name text,
    row_id uuid,
    operation text,
    before jsonb,
    after jsonb
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_mark uuid := saas.uuid_v7();
    v_statuses jsonb;
    v_changes jsonb;
BEGIN
    PERFORM saas.require_fresh_snapshots();
    PERFORM saas.check_replay_filter(p_filter);
    SELECT COALESCE(jsonb_object_agg(e.id, e.status), '{}') INTO v_statuses
    FROM saas.webhook_events AS e
    WHERE e.team_id = p_team AND e.status IN ('ignored', 'deferred', 'failed', 'dead');
    BEGIN
        PERFORM saas.replay_events(p_team, p_filter);
        v_changes := saas.changes_since(p_team, v_mark, v_statuses);
        IF p_dry_run IS DISTINCT FROM false THEN
            RAISE EXCEPTION USING ERRCODE = 'SA083', MESSAGE = 'taken back';
        END IF;
    EXCEPTION WHEN SQLSTATE 'SA083' THEN
        NULL; -- the rows are as they were, the variable is not
    END;
    RETURN QUERY
    SELECT c.table_name, c.row_id, c.operation, c.before, c.after
    FROM jsonb_to_recordset(v_changes) AS c (
        table_name text, row_id uuid, operation text, before jsonb, after jsonb
    );
END
$$;
COMMENT ON FUNCTION saas.replay_webhooks(uuid, jsonb, boolean) IS
'Applies stored events once more, up to 1000 or the filter''s limit, and returns every row that it changes, with what it was before and is after; by default only tries it. The filter is an object of provider, status, event_type, id (texts or arrays of them), from, to (times of receipt) and limit. Again, it changes nothing. SA057 for a filter that makes no sense.';
REVOKE ALL ON FUNCTION saas.replay_webhooks(uuid, jsonb, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.replay_webhooks(uuid, jsonb, boolean) TO saas_service;
