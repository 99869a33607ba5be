-- The key of a person whose data may only be stored (GDPR Art. 18) opens values for that person alone.
ALTER TABLE saas.encryption_keys
ADD COLUMN is_restricted boolean NOT NULL DEFAULT false,
ADD CONSTRAINT encryption_keys_is_restricted_check CHECK (NOT is_restricted OR kind = 'subject');
