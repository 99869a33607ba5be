SELECT plain.ingest(s.team_id, d.headers, d.body, to_timestamp(:signed_at))
FROM bench.deliveries AS d, bench.settings AS s, (SELECT set_config('plain.engine', 'one', false)) AS e (engine)
WHERE e.engine = 'one' AND d.n = (SELECT nextval('bench.next_plain'));
