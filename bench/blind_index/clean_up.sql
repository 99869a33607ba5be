DELETE FROM saas.data_assets WHERE table_name IN (SELECT c.oid FROM pg_class AS c WHERE c.relnamespace = to_regnamespace('blind_bench'));
DROP SCHEMA IF EXISTS blind_bench CASCADE;
DELETE FROM saas.teams WHERE slug = 'blind-bench';
DELETE FROM saas.users WHERE email = 'blind-bench@example.org';
