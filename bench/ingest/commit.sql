INSERT INTO bench.commits VALUES (1);
