ALTER TABLE saas.encryption_keys DROP COLUMN hold_epoch;
