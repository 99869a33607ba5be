-- What the states and events that providers publish mean for us. object 'event': a type of event, whose
-- state is "object" where it is read from the object that the event carries. Adyen has no states: object
-- 'success' and 'failure' say what an event means by its member success.

CREATE TABLE saas.provider_status_map (
    provider text NOT NULL,
    object text NOT NULL,
    provider_status text NOT NULL,
    machine text,
    state text NOT NULL,
    stage text,
    reason text,
    CONSTRAINT provider_status_map_pkey PRIMARY KEY (provider, object, provider_status),
    CONSTRAINT provider_status_map_provider_check CHECK (
        provider IN ('stripe', 'paypal', 'square', 'adyen', 'razorpay', 'standard', 'svix')
    ),
    CONSTRAINT provider_status_map_object_check CHECK (object ~ '^[a-z][a-z_]*$'),
    CONSTRAINT provider_status_map_machine_check CHECK (
        machine IN (
            'payment_intent', 'payment', 'payment_transaction', 'refund', 'dispute', 'payout', 'fraud_warning'
        )
    ),
    CONSTRAINT provider_status_map_state_check CHECK (state ~ '^[a-z][a-z_]*$'),
    CONSTRAINT provider_status_map_stage_check CHECK (
        stage IN ('pre_dispute', 'dispute', 'pre_arbitration', 'arbitration')
    ),
    CONSTRAINT provider_status_map_ignored_check CHECK (
        CASE state WHEN 'ignored' THEN reason IS NOT NULL ELSE machine IS NOT NULL END
    )
);

-- Stripe.
INSERT INTO saas.provider_status_map (provider, object, provider_status, machine, state, stage)
SELECT 'stripe', m.object, s.status, m.machine, s.status, m.stage
FROM (
    VALUES
        ('payment_intent', 'payment_intent', NULL, 'requires_payment_method requires_confirmation requires_action processing requires_capture succeeded canceled'),
        ('refund', 'refund', NULL, 'pending requires_action succeeded failed canceled'),
        ('dispute', 'dispute', 'pre_dispute', 'warning_needs_response warning_under_review warning_closed'),
        ('dispute', 'dispute', 'dispute', 'needs_response under_review won lost prevented'),
        ('payout', 'payout', NULL, 'pending in_transit paid failed canceled')
) AS m (object, machine, stage, statuses)
CROSS JOIN LATERAL unnest(string_to_array(m.statuses, ' ')) AS s (status);
-- A charge that succeeded is authorised, captured or released; the names of intents are those before 2019-02-11.
INSERT INTO saas.provider_status_map (provider, object, provider_status, machine, state)
VALUES
    ('stripe', 'payment_intent', 'requires_source', 'payment_intent', 'requires_payment_method'),
    ('stripe', 'payment_intent', 'requires_source_action', 'payment_intent', 'requires_action'),
    ('stripe', 'charge', 'pending', 'payment', 'pending'),
    ('stripe', 'charge', 'failed', 'payment', 'failed'),
    ('stripe', 'charge', 'succeeded', 'payment', 'authorized'),
    ('stripe', 'captured_charge', 'succeeded', 'payment', 'paid'),
    ('stripe', 'released_charge', 'succeeded', 'payment', 'voided');
INSERT INTO saas.provider_status_map (provider, object, provider_status, machine, state)
SELECT 'stripe', 'event', m.prefix || t.type, m.machine, 'object'
FROM (
    VALUES
        ('payment_intent.', 'payment_intent', 'amount_capturable_updated canceled created partially_funded payment_failed processing requires_action succeeded updated'),
        ('charge.', 'payment', 'captured expired failed pending refunded succeeded updated'),
        ('charge.refund.', 'refund', 'updated'),
        ('charge.dispute.', 'dispute', 'closed created funds_reinstated funds_withdrawn updated'),
        ('refund.', 'refund', 'created failed updated'),
        ('payout.', 'payout', 'canceled created failed paid reconciliation_completed updated'),
        ('radar.early_fraud_warning.', 'fraud_warning', 'created updated')
) AS m (prefix, machine, types)
CROSS JOIN LATERAL unnest(string_to_array(m.types, ' ')) AS t (type);
INSERT INTO saas.provider_status_map (provider, object, provider_status, state, reason)
SELECT 'stripe', 'event', m.prefix || t.type, 'ignored', m.reason
FROM (
    VALUES
        ('account', 'accounts of the platform are not kept here', '.application.authorized .application.deauthorized .external_account.created .external_account.deleted .external_account.updated .updated _notice.created _notice.updated'),
        ('application_fee.', 'fees of the platform are not kept here', 'created refund.updated refunded'),
        ('balance', 'the balance is that of the ledger', '.available _settings.updated'),
        ('billing', 'billing is kept by its own module', '.alert.triggered .meter_error_report.triggered .credit_balance_transaction.created .credit_grant.created .credit_grant.updated .meter.created .meter.deactivated .meter.reactivated .meter.updated _portal.configuration.created _portal.configuration.updated _portal.session.created'),
        ('', 'accounts of the platform are not kept here', 'capability.updated person.created person.deleted person.updated'),
        ('capital.financing_', 'no payment of a customer', 'offer.accepted offer.canceled offer.created offer.expired offer.fully_repaid offer.paid_out offer.rejected offer.replacement_created transaction.created'),
        ('', 'no payment of a customer', 'cash_balance.funds_available customer_cash_balance_transaction.created climate.order.canceled climate.order.created climate.order.delayed climate.order.delivered climate.order.product_substituted climate.product.created climate.product.pricing_updated'),
        ('checkout.session.', 'the payment intent of the session tells', 'async_payment_failed async_payment_succeeded completed expired'),
        ('', 'billing is kept by its own module', 'coupon.created coupon.deleted coupon.updated credit_note.created credit_note.updated credit_note.voided invoiceitem.created invoiceitem.deleted plan.created plan.deleted plan.updated price.created price.deleted price.updated product.created product.deleted product.updated promotion_code.created promotion_code.updated tax_rate.created tax_rate.updated tax.form.updated tax.settings.updated entitlements.active_entitlement_summary.updated'),
        ('customer.', 'customers are kept by the application', 'created deleted updated discount.created discount.deleted discount.updated source.created source.deleted source.expiring source.updated tax_id.created tax_id.deleted tax_id.updated'),
        ('customer.subscription.', 'billing is kept by its own module', 'collection_paused collection_resumed created custom_event deleted paused pending_update_applied pending_update_expired price_migration_failed resumed trial_will_end updated'),
        ('invoice.', 'billing is kept by its own module', 'created deleted finalization_failed finalized marked_uncollectible overdue overpaid paid payment.overpaid payment_action_required payment_attempt_required payment_failed payment_succeeded sent upcoming updated voided will_be_due'),
        ('quote.', 'billing is kept by its own module', 'accept_failed accepted accepting canceled created draft finalized reestimate_failed reestimated stale'),
        ('subscription_schedule.', 'billing is kept by its own module', 'aborted canceled completed created expiring price_migration_failed released updated'),
        ('', 'files and reports are not kept here', 'file.created reporting.report_run.failed reporting.report_run.succeeded reporting.report_type.updated sigma.scheduled_query_run.created'),
        ('financial_connections.', 'bank accounts of customers are not kept here', 'account.created account.deactivated account.disconnected account.reactivated account.refreshed_balance account.refreshed_inferred_balances account.refreshed_ownership account.refreshed_transactions session.updated'),
        ('identity.verification_session.', 'verifications are recorded through the API', 'canceled created processing redacted requires_input verified'),
        ('issuing_', 'cards that the team issues are not kept here', 'authorization.created authorization.request authorization.updated card.created card.updated cardholder.created cardholder.updated dispute.closed dispute.created dispute.funds_reinstated dispute.funds_rescinded dispute.submitted dispute.updated dispute_settlement_detail.created dispute_settlement_detail.updated fraud_liability_debit.created personalization_design.activated personalization_design.deactivated personalization_design.rejected personalization_design.updated settlement.created settlement.updated token.created token.updated transaction.created transaction.purchase_details_receipt_updated transaction.updated'),
        ('', 'payment methods are read from intents and charges', 'mandate.updated payment_method.attached payment_method.automatically_updated payment_method.detached payment_method.updated source.canceled source.chargeable source.failed source.mandate_notification source.refund_attributes_required source.transaction.created source.transaction.updated'),
        ('payment_link.', 'the payment intent of the link tells', 'created updated'),
        ('privacy.redaction_job.', 'no payment of a customer', 'canceled created ready succeeded validation_error'),
        ('review.', 'reviews are decided by the fraud module', 'closed opened'),
        ('setup_intent.', 'no money moves', 'canceled created requires_action setup_failed succeeded'),
        ('terminal.reader.', 'devices are not kept here', 'action_failed action_succeeded action_updated'),
        ('test_helpers.test_clock.', 'no payment of a customer', 'advancing created deleted internal_failure ready'),
        ('', 'money between own accounts is not kept here', 'topup.canceled topup.created topup.failed topup.reversed topup.succeeded transfer.created transfer.reversed transfer.updated'),
        ('treasury.', 'money between own accounts is not kept here', 'credit_reversal.created credit_reversal.posted debit_reversal.completed debit_reversal.created debit_reversal.initial_credit_granted financial_account.closed financial_account.created financial_account.features_status_updated inbound_transfer.canceled inbound_transfer.created inbound_transfer.failed inbound_transfer.succeeded outbound_payment.canceled outbound_payment.created outbound_payment.expected_arrival_date_updated outbound_payment.failed outbound_payment.posted outbound_payment.returned outbound_payment.tracking_details_updated outbound_transfer.canceled outbound_transfer.created outbound_transfer.expected_arrival_date_updated outbound_transfer.failed outbound_transfer.posted outbound_transfer.returned outbound_transfer.tracking_details_updated received_credit.created received_credit.failed received_credit.succeeded received_debit.created')
) AS m (prefix, reason, types)
CROSS JOIN LATERAL unnest(string_to_array(m.types, ' ')) AS t (type);
