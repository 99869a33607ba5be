-- What each table and column of consent, restriction and masking is, with its data classification.
COMMENT ON TABLE saas.processing_purposes IS 'What personal data are processed for, and on which legal basis (GDPR Art. 6, 30).';
COMMENT ON COLUMN saas.processing_purposes.name IS 'Name. [public]';
COMMENT ON COLUMN saas.processing_purposes.description IS 'In words. [public]';
COMMENT ON COLUMN saas.processing_purposes.legal_basis IS 'consent, contract, legal_obligation, vital_interests, public_task or legitimate_interests. [public]';
COMMENT ON COLUMN saas.processing_purposes.interest IS 'The legitimate interest. [public]';
COMMENT ON COLUMN saas.processing_purposes.subject_categories IS 'Whom it concerns, such as users or customers. [public]';
COMMENT ON COLUMN saas.processing_purposes.tables IS 'Tables that serve it, by schema and name. [public]';
COMMENT ON COLUMN saas.processing_purposes.recipients IS 'Categories of those who receive the data. [public]';
COMMENT ON COLUMN saas.processing_purposes.transfers IS 'Transfers to other countries, with their safeguards. [public]';
COMMENT ON COLUMN saas.processing_purposes.consent_valid_for IS 'How long a consent holds; NULL until it is withdrawn. [public]';
COMMENT ON COLUMN saas.processing_purposes.created_at IS 'When it was added. [public]';
COMMENT ON COLUMN saas.processing_purposes.ended_at IS 'When it ended; NULL while it lasts. [public]';

COMMENT ON TABLE saas.consent_texts IS 'The words in which people are asked for consent, by version and language; never changed.';
COMMENT ON COLUMN saas.consent_texts.purpose IS 'The purpose. [public]';
COMMENT ON COLUMN saas.consent_texts.version IS 'Version of the text, from 1. [public]';
COMMENT ON COLUMN saas.consent_texts.locale IS 'Language (BCP 47), such as en or de-AT. [public]';
COMMENT ON COLUMN saas.consent_texts.wording IS 'The words. [public]';
COMMENT ON COLUMN saas.consent_texts.wording_sha256 IS 'SHA-256 of the words in UTF-8. [public]';
COMMENT ON COLUMN saas.consent_texts.created_by IS 'User who published it; NULL for a worker. [internal]';
COMMENT ON COLUMN saas.consent_texts.created_at IS 'When it was published. [public]';

COMMENT ON TABLE saas.consent_records IS 'Consents and withdrawals, one after the other; never changed.';
COMMENT ON COLUMN saas.consent_records.id IS 'Identifier. [internal]';
COMMENT ON COLUMN saas.consent_records.subject_id IS 'The person: saas.users.id, which stays after an erasure. [internal]';
COMMENT ON COLUMN saas.consent_records.purpose IS 'The purpose. [internal]';
COMMENT ON COLUMN saas.consent_records.number IS 'Number of the person''s record for this purpose, from 1. [internal]';
COMMENT ON COLUMN saas.consent_records.action IS 'grant or withdraw. [internal]';
COMMENT ON COLUMN saas.consent_records.version IS 'Version of the text that was agreed to. [internal]';
COMMENT ON COLUMN saas.consent_records.locale IS 'Language of the text. [internal]';
COMMENT ON COLUMN saas.consent_records.wording_sha256 IS 'SHA-256 of the words. [internal]';
COMMENT ON COLUMN saas.consent_records.method IS 'How it was given, such as application, form or telephone. [internal]';
COMMENT ON COLUMN saas.consent_records.client_addr IS 'Address that it came from. [confidential]';
COMMENT ON COLUMN saas.consent_records.user_agent IS 'Program that it came from. [confidential]';
COMMENT ON COLUMN saas.consent_records.recorded_by IS 'User who recorded it; NULL for a worker. [internal]';
COMMENT ON COLUMN saas.consent_records.recorded_at IS 'When it was given. [internal]';

COMMENT ON TABLE saas.processing_restrictions IS 'People whose data may only be stored (GDPR Art. 18), and objections to single purposes (Art. 21).';
COMMENT ON COLUMN saas.processing_restrictions.id IS 'Identifier. [internal]';
COMMENT ON COLUMN saas.processing_restrictions.subject_id IS 'The person. [internal]';
COMMENT ON COLUMN saas.processing_restrictions.purpose IS 'The purpose objected to; NULL for a restriction of everything. [internal]';
COMMENT ON COLUMN saas.processing_restrictions.reason IS 'Why. [confidential]';
COMMENT ON COLUMN saas.processing_restrictions.placed_by IS 'User who asked for it; NULL for a worker. [internal]';
COMMENT ON COLUMN saas.processing_restrictions.placed_at IS 'Since when. [internal]';
COMMENT ON COLUMN saas.processing_restrictions.lifted_by IS 'User who lifted it. [internal]';
COMMENT ON COLUMN saas.processing_restrictions.lifted_at IS 'Until when. [internal]';
COMMENT ON COLUMN saas.processing_restrictions.lift_reason IS 'Why it was lifted. [confidential]';

COMMENT ON TABLE saas.masking_rules IS 'How columns are masked in views, copies and dumps, where not by their class, name and type.';
COMMENT ON COLUMN saas.masking_rules.table_name IS 'Schema and name of the table. [internal]';
COMMENT ON COLUMN saas.masking_rules.column_name IS 'The column. [internal]';
COMMENT ON COLUMN saas.masking_rules.strategy IS 'keep, null, constant, keyed_hash, partial, generalise, fake, shuffle or noise. [internal]';
COMMENT ON COLUMN saas.masking_rules.arguments IS 'What the strategy needs. [internal]';
COMMENT ON COLUMN saas.masking_rules.updated_at IS 'When it changed last. [internal]';
