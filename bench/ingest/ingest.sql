SELECT i.outcome
FROM bench.deliveries AS d, bench.settings AS s,
    LATERAL saas.ingest_webhook(s.team_id, 'stripe', d.headers, d.body, p_received_at => to_timestamp(:signed_at)) AS i
WHERE d.n = (SELECT nextval('bench.next'));
