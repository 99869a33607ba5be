-- Numbers for orders that people read out to each other.
CREATE OR REPLACE FUNCTION saas.next_order_number(
    p_team uuid,
    p_prefix text DEFAULT 'ORD',
    p_time_zone text DEFAULT 'UTC'
)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, saas, pg_temp
AS $$
DECLARE
    v_day date;
    v_number bigint;
BEGIN
    PERFORM saas.require_team(p_team, 'member');
    v_day := (clock_timestamp() AT TIME ZONE p_time_zone)::date;
    IF upper(p_prefix) !~ '^[A-Z][A-Z0-9]{0,9}$' OR p_prefix IS NULL OR v_day IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = '22023',
            MESSAGE = 'the prefix of an order number is a letter and up to nine letters or digits, and it has a time zone';
    END IF;
    INSERT INTO saas.order_numbers AS n (team_id, prefix, day, last_number)
    VALUES (p_team, upper(p_prefix), v_day, 1)
    ON CONFLICT (team_id, prefix, day) DO UPDATE
    SET last_number = n.last_number + 1
    RETURNING n.last_number INTO v_number;
    RETURN format(
        '%s-%s-%s', upper(p_prefix), to_char(v_day, 'YYYYMMDD'),
        lpad(v_number::text, greatest(4, length(v_number::text)), '0')
    );
END
$$;
COMMENT ON FUNCTION saas.next_order_number(uuid, text, text) IS
'The next number of the team for orders of today, by the clock of a time zone: PREFIX-YYYYMMDD-NNNN, with more digits after 9999. No two transactions get the same; others wait for the one that took a number to end, so take it last. For members and workers.';
REVOKE ALL ON FUNCTION saas.next_order_number(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.next_order_number(uuid, text, text) TO saas_app, saas_service;
