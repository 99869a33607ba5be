DROP SCHEMA saas_masked CASCADE;
ALTER TABLE saas.encryption_keys DROP COLUMN is_restricted;
DELETE FROM saas.retention_policies WHERE name = 'withdrawn_consents';
DROP TABLE saas.masking_rules;
DROP TABLE saas.processing_restrictions CASCADE;
DROP TABLE saas.consent_records CASCADE;
DROP TABLE saas.consent_texts;
DROP TABLE saas.processing_purposes;
