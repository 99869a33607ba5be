-- Subscriptions of a person are found by the customer, whatever the team.
CREATE INDEX subscriptions_customer_id_idx ON saas.subscriptions (customer_id);

-- Every table of the package that holds personal data serves a purpose of the register (GDPR Art. 30).
ALTER TABLE saas.processing_purposes NO FORCE ROW LEVEL SECURITY;
INSERT INTO saas.processing_purposes (name, description, legal_basis, interest, subject_categories, tables)
VALUES
    (
        'money_laundering_prevention', 'Knowing customers, and searching the lists that the law names', 'legal_obligation', NULL,
        '{users,customers}', '{}'
    ),
    (
        'data_protection', 'Answering requests of people about their data, and proving it', 'legal_obligation', NULL, '{users}', '{}'
    )
ON CONFLICT (name) DO NOTHING;
UPDATE saas.processing_purposes AS p
SET tables = p.tables || ARRAY(SELECT t FROM unnest(m.tables::text[]) AS t WHERE t <> ALL (p.tables))
FROM (
    VALUES
        ('service', '{saas.notification_preferences,saas.mfa_recovery_codes,saas.mfa_hardware_keys,saas.subscriptions,saas.subscription_changes,saas.usage_metrics}'),
        (
            'payments',
            '{saas.payment_sessions,saas.payment_method_tokens,saas.provider_requests,saas.payment_transactions,saas.dispute_evidence,saas.payouts,saas.payout_holds}'
        ),
        (
            'fraud_prevention',
            '{saas.fraud_assessment_terms,saas.fraud_list_changes,saas.fraud_snoozes,saas.fraud_rule_sets,saas.fraud_models,saas.platform_fraud_rules}'
        ),
        ('security', '{saas.api_key_activity,saas.api_key_usage_logs,saas.audit_redactions,saas.credential_attempts,saas.key_access_logs}'),
        ('analytics', '{saas.product_events}'),
        ('money_laundering_prevention', '{saas.customer_verifications,saas.aml_alerts,saas.watchlist_entries,saas.team_watchlist_entries}'),
        (
            'data_protection',
            '{saas.consent_records,saas.processing_restrictions,saas.legal_holds,saas.user_deletion_requests,saas.erasure_rows,saas.data_exports,saas.data_export_chunks,saas.privacy_events,saas.personal_data_proposals}'
        )
) AS m (name, tables)
WHERE p.name = m.name;
ALTER TABLE saas.processing_purposes FORCE ROW LEVEL SECURITY;
