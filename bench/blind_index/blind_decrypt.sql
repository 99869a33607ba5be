\set n random(1, :rows)
SELECT b.id, saas.decrypt_sensitive_data(b.email, 'blind_bench.blind'::regclass, 'email', b.id, :team::uuid) FROM blind_bench.blind AS b
WHERE b.team_id = :team::uuid
    AND b.email_index = saas.blind_index('user' || :n || '@example.org', 'blind_bench.blind'::regclass, 'email', 63, :team::uuid);
