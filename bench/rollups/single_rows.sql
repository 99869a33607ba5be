-- One turn of pass.sql: rows one by one without and with tracking, in both orders. Variable: pass.
SELECT rollups_bench.cpu() AS since \gset
SELECT rollups_bench.single_rows('plain') \gexec
CALL rollups_bench.note(:pass, 'single plain', :since);
SELECT rollups_bench.cpu() AS since \gset
SELECT rollups_bench.single_rows('noted') \gexec
CALL rollups_bench.note(:pass, 'single noted', :since);
SELECT rollups_bench.cpu() AS since \gset
SELECT rollups_bench.single_rows('noted') \gexec
CALL rollups_bench.note(:pass, 'single noted', :since);
SELECT rollups_bench.cpu() AS since \gset
SELECT rollups_bench.single_rows('plain') \gexec
CALL rollups_bench.note(:pass, 'single plain', :since);
