-- What payments and payouts show together: amounts kept below a threshold, money that only passes through.
CREATE OR REPLACE FUNCTION saas.detect_structuring(
    p_team uuid,
    p_currency text,
    p_threshold bigint,
    p_window interval DEFAULT '7 days',
    p_margin numeric DEFAULT 0.1,
    p_count integer DEFAULT 3,
    p_as_of timestamptz DEFAULT now()
)
RETURNS TABLE (
    subject_type text,
    subject_reference text,
    payments bigint,
    amount numeric,
    first_at timestamptz,
    last_at timestamptz
)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH near AS (
        SELECT
            CASE WHEN p.provider_customer_id IS NULL THEN 'card' ELSE 'customer' END AS subject_type,
            COALESCE(p.provider_customer_id, p.card_fingerprint) AS subject_reference,
            COALESCE(p.provider_created_at, p.created_at) AS at,
            p.amount
        FROM saas.payments AS p
        WHERE p.team_id = p_team
            AND p.currency = upper(p_currency)
            AND p.status IN ('authorized', 'paid')
            AND p.amount < p_threshold
            AND p.amount >= p_threshold * (1 - p_margin)
            AND COALESCE(p.provider_created_at, p.created_at) <= p_as_of
            AND COALESCE(p.provider_created_at, p.created_at) > p_as_of - 2 * p_window
            AND COALESCE(p.provider_customer_id, p.card_fingerprint) IS NOT NULL
    ), windows AS (
        SELECT
            n.subject_type, n.subject_reference,
            count(*) OVER w AS payments, sum(n.amount) OVER w AS amount,
            min(n.at) OVER w AS first_at, n.at AS last_at
        FROM near AS n
        WINDOW w AS (
            PARTITION BY n.subject_type, n.subject_reference ORDER BY n.at
            RANGE BETWEEN p_window PRECEDING AND CURRENT ROW
        )
    )
    SELECT DISTINCT ON (w.subject_type, w.subject_reference)
        w.subject_type, w.subject_reference, w.payments, w.amount, w.first_at, w.last_at
    FROM windows AS w
    WHERE w.payments >= p_count AND w.amount >= p_threshold
    ORDER BY w.subject_type, w.subject_reference, w.payments DESC, w.last_at DESC
$$;
COMMENT ON FUNCTION saas.detect_structuring(uuid, text, bigint, interval, numeric, integer, timestamptz) IS
'Customers, and cards without one, with p_count or more payments within p_window, each below the threshold by no more than the margin (0.1: a tenth), which together reach it; of each the fullest window that ended within the last p_window before p_as_of or began in it. Under row-level security.';
REVOKE ALL ON FUNCTION saas.detect_structuring(uuid, text, bigint, interval, numeric, integer, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.detect_structuring(uuid, text, bigint, interval, numeric, integer, timestamptz)
TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.detect_rapid_movement(
    p_team uuid,
    p_currency text,
    p_amount bigint,
    p_window interval DEFAULT '2 days',
    p_share numeric DEFAULT 0.8,
    p_factor numeric DEFAULT 5,
    p_as_of timestamptz DEFAULT now()
)
RETURNS TABLE (
    subject_type text,
    subject_reference text,
    amount_in numeric,
    amount_out numeric,
    usual_in numeric,
    last_at timestamptz
)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    -- The team: comes in, far more than usual, and is paid out at once.
    WITH money_in AS (
        SELECT
            COALESCE(sum(p.amount_captured) FILTER (WHERE f.at > p_as_of - p_window), 0) AS now_in,
            COALESCE(sum(p.amount_captured) FILTER (WHERE f.at <= p_as_of - p_window), 0)
                * extract(epoch FROM p_window) / extract(epoch FROM interval '90 days') AS usual_in
        FROM saas.payments AS p
        CROSS JOIN LATERAL (SELECT COALESCE(p.provider_created_at, p.created_at)) AS f (at)
        WHERE p.team_id = p_team
            AND p.currency = upper(p_currency)
            AND COALESCE(p.provider_created_at, p.created_at) <= p_as_of
            AND COALESCE(p.provider_created_at, p.created_at) > p_as_of - p_window - interval '90 days'
    ), money_out AS (
        SELECT COALESCE(sum(o.amount), 0) AS now_out, max(COALESCE(o.provider_created_at, o.created_at)) AS last_at
        FROM saas.payouts AS o
        WHERE o.team_id = p_team
            AND o.currency = upper(p_currency)
            AND o.status NOT IN ('failed', 'canceled', 'reversed')
            AND COALESCE(o.provider_created_at, o.created_at) <= p_as_of
            AND COALESCE(o.provider_created_at, o.created_at) > p_as_of - p_window
    )
    SELECT 'team', p_team::text, i.now_in, o.now_out, round(i.usual_in), o.last_at
    FROM money_in AS i
    CROSS JOIN money_out AS o
    WHERE i.now_in >= p_amount AND o.now_out >= i.now_in * p_share AND i.now_in >= i.usual_in * p_factor
    UNION ALL
    -- A customer: pays, and has it refunded at once.
    SELECT 'customer', c.customer, c.amount_in, c.amount_out, 0, c.last_at
    FROM (
        SELECT
            p.provider_customer_id AS customer,
            sum(p.amount_captured) AS amount_in,
            COALESCE(sum(r.amount), 0) AS amount_out,
            max(r.last_at) AS last_at
        FROM saas.payments AS p
        LEFT JOIN LATERAL (
            SELECT
                sum(r.amount) AS amount,
                max(COALESCE(r.provider_created_at, r.created_at)) AS last_at
            FROM saas.refunds AS r
            WHERE r.team_id = p_team
                AND r.payment_id = p.id
                AND r.status IN ('pending', 'requires_action', 'succeeded')
                AND COALESCE(r.provider_created_at, r.created_at) <= p_as_of
        ) AS r ON true
        WHERE p.team_id = p_team
            AND p.currency = upper(p_currency)
            AND p.provider_customer_id IS NOT NULL
            AND COALESCE(p.provider_created_at, p.created_at) <= p_as_of
            AND COALESCE(p.provider_created_at, p.created_at) > p_as_of - p_window
        GROUP BY p.provider_customer_id
    ) AS c
    WHERE c.amount_in >= p_amount AND c.amount_out >= c.amount_in * p_share
$$;
COMMENT ON FUNCTION saas.detect_rapid_movement(uuid, text, bigint, interval, numeric, numeric, timestamptz) IS
'Money that came in within p_window before p_as_of, at least p_amount, and went out again to at least p_share: of the team by payouts, when it is p_factor times what came in at other times (of the 90 days before); of a customer by refunds. Under row-level security.';
REVOKE ALL ON FUNCTION saas.detect_rapid_movement(uuid, text, bigint, interval, numeric, numeric, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.detect_rapid_movement(uuid, text, bigint, interval, numeric, numeric, timestamptz)
TO saas_app, saas_service, saas_internal;

CREATE OR REPLACE FUNCTION saas.note_movement_alert(
    p_team uuid,
    p_kind text,
    p_subject_type text,
    p_subject_reference text,
    p_currency text,
    p_since timestamptz,
    p_last timestamptz,
    p_reason text,
    p_details jsonb
)
RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
BEGIN
    -- Payments that an earlier alert has seen already are no news.
    IF EXISTS (
        SELECT
        FROM saas.aml_alerts AS a
        WHERE a.team_id = p_team
            AND a.subject_type = p_subject_type
            AND a.subject_reference = p_subject_reference
            AND a.kind = p_kind
            AND a.details ->> 'currency' = p_currency
            AND (a.details ->> 'last_epoch')::numeric >= extract(epoch FROM p_since)
    ) THEN
        RETURN NULL;
    END IF;
    RETURN saas.note_aml_alert(
        p_team, p_kind, p_subject_type, p_subject_reference,
        p_currency || ' ' || extract(epoch FROM p_last), 100, p_reason,
        p_details || jsonb_build_object('currency', p_currency, 'last_epoch', extract(epoch FROM p_last))
    );
END
$$;
COMMENT ON FUNCTION saas.note_movement_alert(uuid, text, text, text, text, timestamptz, timestamptz, text, jsonb) IS
'Opens an alert about payments since a moment, unless one of the same kind and subject reaches into that time; returns it or NULL. Checks no caller.';
REVOKE ALL ON FUNCTION saas.note_movement_alert(uuid, text, text, text, text, timestamptz, timestamptz, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.note_movement_alert(uuid, text, text, text, text, timestamptz, timestamptz, text, jsonb) TO saas_internal;

CREATE OR REPLACE FUNCTION saas.run_aml_monitoring(p_team uuid, p_as_of timestamptz DEFAULT now())
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_settings saas.compliance_settings;
    v_structuring bigint;
    v_rapid bigint;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    INSERT INTO saas.compliance_settings (team_id) VALUES (p_team) ON CONFLICT (team_id) DO NOTHING;
    -- Two runs at once take turns, or both would open what the other one has not committed.
    SELECT s.* INTO STRICT v_settings
    FROM saas.compliance_settings AS s
    WHERE s.team_id = p_team
    FOR UPDATE;
    SELECT count(saas.note_movement_alert(
        p_team, 'structuring', d.subject_type, d.subject_reference, t.currency, d.first_at, d.last_at,
        format('%s payments just below the threshold', d.payments),
        jsonb_build_object('payments', d.payments, 'amount', d.amount, 'threshold', t.amount)
    ))
    INTO v_structuring
    FROM saas.aml_thresholds AS t
    CROSS JOIN LATERAL saas.detect_structuring(
        p_team, t.currency, t.amount, v_settings.structuring_window, v_settings.structuring_margin,
        v_settings.structuring_count, p_as_of
    ) AS d
    WHERE t.team_id = p_team;
    SELECT count(saas.note_movement_alert(
        p_team, 'rapid_movement', d.subject_type, d.subject_reference, t.currency,
        p_as_of - v_settings.rapid_window, d.last_at, 'money came in and went out at once',
        jsonb_build_object('amount_in', d.amount_in, 'amount_out', d.amount_out, 'usual_in', d.usual_in)
    ))
    INTO v_rapid
    FROM saas.aml_thresholds AS t
    CROSS JOIN LATERAL saas.detect_rapid_movement(
        p_team, t.currency, t.amount, v_settings.rapid_window, v_settings.rapid_share,
        v_settings.rapid_factor, p_as_of
    ) AS d
    WHERE t.team_id = p_team;
    RETURN v_structuring + v_rapid;
END
$$;
COMMENT ON FUNCTION saas.run_aml_monitoring(uuid, timestamptz) IS
'Looks for structuring and rapid movement in the currencies that the team has a threshold for, and opens alerts; returns how many are new. For admins and workers, a few times a day.';
REVOKE ALL ON FUNCTION saas.run_aml_monitoring(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.run_aml_monitoring(uuid, timestamptz) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.set_aml_threshold(p_team uuid, p_currency text, p_amount bigint)
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_constraint text;
    v_column text;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    IF p_amount IS NULL THEN
        DELETE FROM saas.aml_thresholds AS t WHERE t.team_id = p_team AND t.currency = upper(p_currency);
        RETURN;
    END IF;
    INSERT INTO saas.aml_thresholds (team_id, currency, amount)
    VALUES (p_team, upper(p_currency), p_amount)
    ON CONFLICT (team_id, currency) DO UPDATE SET amount = excluded.amount;
EXCEPTION
    WHEN check_violation OR not_null_violation THEN
        GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME, v_column = COLUMN_NAME;
        PERFORM saas.refuse_row(
            'threshold', SQLSTATE, v_constraint, v_column,
            'A currency is an ISO 4217 code, an amount 1 or more minor units.'
        );
END
$$;
COMMENT ON FUNCTION saas.set_aml_threshold(uuid, text, bigint) IS
'From which amount, in minor units, payments in the currency are reported: what is just below it, and money in and out above it, is looked for. NULL: no longer. For admins and workers.';
REVOKE ALL ON FUNCTION saas.set_aml_threshold(uuid, text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.set_aml_threshold(uuid, text, bigint) TO saas_app, saas_service;

CREATE OR REPLACE FUNCTION saas.set_aml_settings(
    p_team uuid,
    p_alert_from integer DEFAULT NULL,
    p_structuring_window interval DEFAULT NULL,
    p_structuring_margin numeric DEFAULT NULL,
    p_structuring_count integer DEFAULT NULL,
    p_rapid_window interval DEFAULT NULL,
    p_rapid_share numeric DEFAULT NULL,
    p_rapid_factor numeric DEFAULT NULL
)
RETURNS saas.compliance_settings
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_settings saas.compliance_settings;
    v_constraint text;
    v_column text;
BEGIN
    PERFORM saas.require_team(p_team, 'admin');
    INSERT INTO saas.compliance_settings (team_id) VALUES (p_team) ON CONFLICT (team_id) DO NOTHING;
    UPDATE saas.compliance_settings AS s
    SET alert_from = COALESCE(p_alert_from, s.alert_from),
        structuring_window = COALESCE(p_structuring_window, s.structuring_window),
        structuring_margin = COALESCE(p_structuring_margin, s.structuring_margin),
        structuring_count = COALESCE(p_structuring_count, s.structuring_count),
        rapid_window = COALESCE(p_rapid_window, s.rapid_window),
        rapid_share = COALESCE(p_rapid_share, s.rapid_share),
        rapid_factor = COALESCE(p_rapid_factor, s.rapid_factor)
    WHERE s.team_id = p_team
    RETURNING s.* INTO v_settings;
    RETURN v_settings;
EXCEPTION
    WHEN check_violation OR not_null_violation THEN
        GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME, v_column = COLUMN_NAME;
        PERFORM saas.refuse_row(
            'setting of monitoring', SQLSTATE, v_constraint, v_column,
            'Scores are 50 to 100, windows an hour to 90 days (rapid: 30), the margin up to 0.5, the count 2 to 1000, the share up to 1, the factor 1 to 1000.'
        );
END
$$;
COMMENT ON FUNCTION saas.set_aml_settings(uuid, integer, interval, numeric, integer, interval, numeric, numeric) IS
'From which score screening opens an alert, and what counts as structuring and as rapid movement; NULL keeps. For admins and workers.';
REVOKE ALL ON FUNCTION saas.set_aml_settings(uuid, integer, interval, numeric, integer, interval, numeric, numeric) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.set_aml_settings(uuid, integer, interval, numeric, integer, interval, numeric, numeric)
TO saas_app, saas_service;
