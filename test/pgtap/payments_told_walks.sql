-- Whatever the order in which events without our identifier and the answers that name them come, each refund is one.
BEGIN;
SELECT plan(6);
\ir include/payments.sql
\ir include/provider_events.sql
CREATE FUNCTION pg_temp.tell(p_provider text, p_kind text, p_ref text, p_parent text, p_state text, p_amount bigint, p_at bigint) RETURNS text LANGUAGE sql AS $$
    SELECT (pg_temp.send(p_provider, pg_temp.render(p_provider, p_kind, p_ref, p_parent, p_state, NULL, p_amount, p_at, e.id), e.id)).outcome FROM (SELECT concat_ws('-', 'evt', p_ref, p_state, p_at)) AS e (id)
$$;
CREATE FUNCTION pg_temp.answer(p_asked jsonb, p_outcome text, p_response jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT saas.complete_provider_request(r.team_id, r.id, r.attempts, p_outcome, p_response)
    FROM saas.provider_requests AS r
    WHERE r.id = (p_asked ->> 'provider_request_id')::uuid
$$;
CREATE FUNCTION pg_temp.refunds(p_ref text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' | ', (pg_temp.payment(p_ref)).amount_refunded,
        (SELECT string_agg(concat_ws(' ', r.status, r.amount, r.provider_refund_id), ', ' ORDER BY r.provider_refund_id) FROM saas.refunds AS r WHERE r.payment_id = (pg_temp.payment(p_ref)).id),
        (SELECT string_agg(concat_ws(' ', t.status, t.amount, t.provider_reference), ', ' ORDER BY t.provider_reference) FROM saas.payment_transactions AS t WHERE t.payment_id = (pg_temp.payment(p_ref)).id AND t.operation = 'refund'))
$$;
-- Three refunds are asked for; of each an event tells that it is on its way (perhaps) and how it ended (perhaps twice),
-- and the answer comes, in an order that the seed decides.
CREATE FUNCTION pg_temp.walk(p_provider text, p_seed text, OUT became text, OUT wanted text, OUT outcomes text) LANGUAGE plpgsql AS $$
DECLARE
    v_payment constant text := upper('PAY' || p_provider || p_seed);
    v_amount bigint;
    v_end text;
    v_step record;
BEGIN
    PERFORM pg_temp.tell(p_provider, 'payment', v_payment, NULL, 'paid', 1000, 1700000000);
    CREATE TEMPORARY TABLE asked (n integer, ref text, amount bigint, ends text, asked jsonb) ON COMMIT DROP;
    FOR i IN 1 .. 3 LOOP
        v_amount := CASE WHEN md5(p_seed || 'amount' || i) < '9' THEN 100 ELSE 200 END;
        v_end := CASE WHEN md5(p_seed || 'end' || i) < '4' THEN 'failed' ELSE 'succeeded' END;
        INSERT INTO asked VALUES (i, upper('REF' || p_provider || p_seed || i), v_amount, v_end,
            saas.refund_payment(pg_temp.team(), (pg_temp.payment(v_payment)).id, v_amount, concat_ws(' ', p_provider, p_seed, i)));
    END LOOP;
    PERFORM saas.claim_provider_requests(p_provider, 1000, 'tester');
    FOR v_step IN
        SELECT a.*, k.kind
        FROM asked AS a, unnest('{way,end,again,answer}'::text[]) AS k (kind)
        WHERE k.kind IN ('end', 'answer') OR md5(p_seed || 'whether' || k.kind || a.n) < '8'
        ORDER BY md5(p_seed || k.kind || a.n)
    LOOP
        outcomes := concat_ws(', ', outcomes, CASE v_step.kind
            WHEN 'answer' THEN pg_temp.answer(
                v_step.asked, CASE WHEN md5(p_seed || 'answered' || v_step.n) < '7' THEN 'pending' ELSE 'succeeded' END,
                jsonb_build_object('provider_refund_id', v_step.ref))
            WHEN 'way' THEN pg_temp.tell(p_provider, 'refund', v_step.ref, v_payment, 'pending', v_step.amount, 1700000100)
            ELSE pg_temp.tell(p_provider, 'refund', v_step.ref, v_payment, v_step.ends, v_step.amount, 1700000200)
        END);
    END LOOP;
    became := pg_temp.refunds(v_payment);
    SELECT concat_ws(' | ', COALESCE(sum(a.amount) FILTER (WHERE a.ends = 'succeeded'), 0), l.lines, l.lines) INTO wanted
    FROM asked AS a, (SELECT string_agg(concat_ws(' ', b.ends, b.amount, b.ref), ', ' ORDER BY b.ref) FROM asked AS b) AS l (lines)
    GROUP BY l.lines;
    DROP TABLE asked;
END $$;
CREATE TEMPORARY TABLE walks ON COMMIT DROP AS
SELECT p.name, w.*
FROM unnest('{stripe,paypal,square,razorpay,standard}'::text[]) AS p (name), generate_series(1, 4) AS n,
    LATERAL pg_temp.walk(p.name, n::text) AS w;
SELECT is_empty('SELECT * FROM walks AS w WHERE w.became IS DISTINCT FROM w.wanted', 'each refund is one, with the end that was told');
SELECT is_empty($$SELECT * FROM walks AS w WHERE w.outcomes LIKE '%failed%'$$, 'no event fails');
SELECT ok((SELECT bool_or(w.outcomes LIKE '%duplicate%') AND bool_or(w.wanted LIKE '%failed%') AND bool_or(w.outcomes LIKE 'processed%') AND bool_or(w.outcomes LIKE 'succeeded%') FROM walks AS w), 'events and answers were first, events came again, refunds failed');
-- The answer says that it has succeeded; that it is on its way is told of later.
CREATE FUNCTION pg_temp.late(p_provider text, OUT told text, OUT became text) LANGUAGE plpgsql AS $$
DECLARE
    v_payment constant text := upper('LATE' || p_provider);
    v_asked jsonb;
BEGIN
    PERFORM pg_temp.tell(p_provider, 'payment', v_payment, NULL, 'paid', 1000, 1700000000);
    v_asked := saas.refund_payment(pg_temp.team(), (pg_temp.payment(v_payment)).id, 200, 'late ' || p_provider);
    PERFORM saas.claim_provider_requests(p_provider, 1000, 'tester');
    PERFORM pg_temp.answer(v_asked, 'succeeded', jsonb_build_object('provider_refund_id', v_payment || 'R'));
    told := pg_temp.tell(p_provider, 'refund', v_payment || 'R', v_payment, 'pending', 200, 1700000100);
    became := pg_temp.refunds(v_payment);
END $$;
CREATE TEMPORARY TABLE late ON COMMIT DROP AS
SELECT p.name, l.* FROM unnest('{stripe,paypal,square,razorpay,standard}'::text[]) AS p (name), LATERAL pg_temp.late(p.name) AS l;
SELECT is_empty($$SELECT * FROM late AS l WHERE l.told <> 'superseded'$$, 'an event that knows less than the answer is superseded, and does not fail');
SELECT is_empty($$SELECT * FROM late AS l WHERE l.became <> format('200 | succeeded 200 LATE%1$sR | succeeded 200 LATE%1$sR', upper(l.name))$$, 'and changes nothing');
\ir include/ledger_proof.sql
SELECT * FROM finish();
ROLLBACK;
