ALTER TABLE saas.encryption_keys DROP COLUMN is_restricted;
