SELECT plain.ingest(s.team_id, d.headers, d.body, to_timestamp(:signed_at))
FROM bench.deliveries AS d, bench.settings AS s
WHERE d.n = (SELECT nextval('bench.next_plain'));
