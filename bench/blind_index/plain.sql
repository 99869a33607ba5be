\set n random(1, :rows)
SELECT p.id, p.email FROM blind_bench.plain AS p WHERE p.team_id = :team::uuid AND p.email = 'user' || :n || '@example.org';
