-- What each table and column of the webhooks of all providers is, with its data classification.
COMMENT ON COLUMN saas.payment_providers.captures_automatically IS 'Whether every authorisation is captured at once, without an event of its own. [internal]';
COMMENT ON COLUMN saas.payment_intents.disagreements IS 'What the provider says of amount or currency that is not what was asked for. [internal]';
COMMENT ON COLUMN saas.payments.lists_captures IS 'Whether the provider names each capture; amount_captured is their sum then. [internal]';
COMMENT ON COLUMN saas.payments.facts_status IS 'State of the snapshot that the description is from, where a later one told of the state alone. [internal]';
COMMENT ON COLUMN saas.payments.facts_at IS 'The provider''s time of that snapshot. [internal]';
COMMENT ON COLUMN saas.payments.facts_event_id IS 'The provider''s event that carried it. [internal]';
COMMENT ON COLUMN saas.payments.disagreements IS 'What snapshots said of amounts and currencies that cannot be. [internal]';
COMMENT ON COLUMN saas.payments.integrity_issue IS 'What does not agree about the payment at present; NULL when nothing. [internal]';
COMMENT ON COLUMN saas.payments.integrity_resolved IS 'The issue that a person has looked into. [internal]';
COMMENT ON COLUMN saas.payments.integrity_resolved_by IS 'Who has. [confidential]';
COMMENT ON COLUMN saas.payments.integrity_resolved_at IS 'When. [internal]';
COMMENT ON COLUMN saas.payments.integrity_note IS 'What they found. [confidential]';
COMMENT ON COLUMN saas.payments.integrity_hold IS 'Whether nothing of it is captured, refunded or paid out: there is an issue that nobody has looked into. [internal]';
COMMENT ON COLUMN saas.webhook_events.raw_headers IS 'Headers as delivered, while the certificate is missing. [confidential]';
COMMENT ON COLUMN saas.webhook_events.raw_body IS 'Body as delivered, while the certificate is missing. [confidential]';
COMMENT ON COLUMN saas.webhook_events.raw_url IS 'Address of the endpoint, while the certificate is missing. [internal]';
COMMENT ON COLUMN saas.webhook_events.confirmed_at IS 'When the application confirmed it with the provider. [internal]';

COMMENT ON TABLE saas.webhook_certificates IS 'Certificates that providers sign webhooks with, by the address they are fetched from.';
COMMENT ON COLUMN saas.webhook_certificates.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.webhook_certificates.id IS 'Identifier within the team. [internal]';
COMMENT ON COLUMN saas.webhook_certificates.provider IS 'The provider. [internal]';
COMMENT ON COLUMN saas.webhook_certificates.url IS 'Where it is fetched from. [internal]';
COMMENT ON COLUMN saas.webhook_certificates.pem IS 'The certificate and what it is chained by, in PEM. [public]';
COMMENT ON COLUMN saas.webhook_certificates.subject IS 'Whom it names. [public]';
COMMENT ON COLUMN saas.webhook_certificates.sha256 IS 'SHA-256 of the certificate. [public]';
COMMENT ON COLUMN saas.webhook_certificates.not_before IS 'From when it is valid. [public]';
COMMENT ON COLUMN saas.webhook_certificates.not_after IS 'Until when it is valid. [public]';
COMMENT ON COLUMN saas.webhook_certificates.created_at IS 'When the row was created. [internal]';

COMMENT ON TABLE saas.provider_status_map IS 'What the states and events that providers publish mean for us.';
COMMENT ON COLUMN saas.provider_status_map.provider IS 'The provider; standard and svix are the neutral body. [public]';
COMMENT ON COLUMN saas.provider_status_map.object IS 'What of the provider''s has the state; event: it is a type of event; success and failure: what such an event means by its member success. [public]';
COMMENT ON COLUMN saas.provider_status_map.provider_status IS 'The state or the type of event as the provider writes it. [public]';
COMMENT ON COLUMN saas.provider_status_map.machine IS 'The state machine that it is about; fraud_warning is none. [public]';
COMMENT ON COLUMN saas.provider_status_map.state IS 'Our state; object: it is read from the object that the event carries; ignored: nothing follows. [public]';
COMMENT ON COLUMN saas.provider_status_map.stage IS 'Of a dispute, the stage that the state belongs to. [public]';
COMMENT ON COLUMN saas.provider_status_map.reason IS 'Why it is ignored. [public]';

COMMENT ON TABLE saas.provider_object_keys IS 'Members of providers'' objects that the adapters read.';
COMMENT ON COLUMN saas.provider_object_keys.provider IS 'The provider. [public]';
COMMENT ON COLUMN saas.provider_object_keys.object IS 'Its object, by its own name. [public]';
COMMENT ON COLUMN saas.provider_object_keys.key IS 'A member of it. [public]';
