DROP INDEX saas.encryption_keys_subject_id_idx;
