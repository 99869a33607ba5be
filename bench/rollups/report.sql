\pset format unaligned
\pset fieldsep '\t'
\pset tuples_only on
SELECT what, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY milliseconds)::numeric,2), count(*) FROM rollups_bench.results GROUP BY 1 ORDER BY 1;
