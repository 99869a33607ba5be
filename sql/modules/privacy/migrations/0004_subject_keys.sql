-- An erasure asks for the keys of a person, whatever the team.
CREATE INDEX encryption_keys_subject_id_idx ON saas.encryption_keys (subject_id)
WHERE subject_id IS NOT NULL AND status <> 'shredded';
