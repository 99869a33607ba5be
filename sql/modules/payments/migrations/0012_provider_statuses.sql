-- What the states and events of PayPal, Square, Adyen, Razorpay and of the neutral body mean for us.

-- PayPal: orders are intents; a capture of an authorisation is an operation of the authorisation's payment,
-- any other capture and a sale are payments.
INSERT INTO saas.provider_status_map (provider, object, provider_status, machine, state, stage)
VALUES
    ('paypal', 'order', 'CREATED', 'payment_intent', 'requires_payment_method', NULL),
    ('paypal', 'order', 'SAVED', 'payment_intent', 'requires_confirmation', NULL),
    ('paypal', 'order', 'APPROVED', 'payment_intent', 'requires_confirmation', NULL),
    ('paypal', 'order', 'PAYER_ACTION_REQUIRED', 'payment_intent', 'requires_action', NULL),
    ('paypal', 'order', 'VOIDED', 'payment_intent', 'canceled', NULL),
    ('paypal', 'order', 'COMPLETED', 'payment_intent', 'succeeded', NULL),
    ('paypal', 'authorized_order', 'COMPLETED', 'payment_intent', 'requires_capture', NULL),
    ('paypal', 'authorization', 'CREATED', 'payment', 'authorized', NULL),
    ('paypal', 'authorization', 'AUTHORIZED', 'payment', 'authorized', NULL),
    ('paypal', 'authorization', 'PARTIALLY_CREATED', 'payment', 'authorized', NULL),
    ('paypal', 'authorization', 'CAPTURED', 'payment', 'paid', NULL),
    ('paypal', 'authorization', 'PARTIALLY_CAPTURED', 'payment', 'paid', NULL),
    ('paypal', 'authorization', 'DENIED', 'payment', 'failed', NULL),
    ('paypal', 'authorization', 'VOIDED', 'payment', 'voided', NULL),
    ('paypal', 'authorization', 'EXPIRED', 'payment', 'voided', NULL),
    ('paypal', 'authorization', 'PENDING', 'payment', 'pending', NULL),
    ('paypal', 'capture', 'COMPLETED', 'payment', 'paid', NULL),
    ('paypal', 'capture', 'PENDING', 'payment', 'pending', NULL),
    ('paypal', 'capture', 'DECLINED', 'payment', 'failed', NULL),
    ('paypal', 'capture', 'DENIED', 'payment', 'failed', NULL),
    ('paypal', 'capture', 'FAILED', 'payment', 'failed', NULL),
    ('paypal', 'capture', 'PARTIALLY_REFUNDED', 'payment', 'paid', NULL),
    ('paypal', 'capture', 'REFUNDED', 'payment', 'paid', NULL),
    ('paypal', 'capture', 'REVERSED', 'payment', 'paid', NULL),
    ('paypal', 'capture_of_authorization', 'COMPLETED', 'payment_transaction', 'succeeded', NULL),
    ('paypal', 'capture_of_authorization', 'PENDING', 'payment_transaction', 'pending', NULL),
    ('paypal', 'capture_of_authorization', 'DECLINED', 'payment_transaction', 'failed', NULL),
    ('paypal', 'capture_of_authorization', 'DENIED', 'payment_transaction', 'failed', NULL),
    ('paypal', 'capture_of_authorization', 'FAILED', 'payment_transaction', 'failed', NULL),
    ('paypal', 'capture_of_authorization', 'PARTIALLY_REFUNDED', 'payment_transaction', 'succeeded', NULL),
    ('paypal', 'capture_of_authorization', 'REFUNDED', 'payment_transaction', 'succeeded', NULL),
    ('paypal', 'capture_of_authorization', 'REVERSED', 'payment_transaction', 'succeeded', NULL),
    ('paypal', 'refund', 'PENDING', 'refund', 'pending', NULL),
    ('paypal', 'refund', 'COMPLETED', 'refund', 'succeeded', NULL),
    ('paypal', 'refund', 'FAILED', 'refund', 'failed', NULL),
    ('paypal', 'refund', 'CANCELLED', 'refund', 'canceled', NULL),
    ('paypal', 'inquiry', 'OPEN', 'dispute', 'warning_needs_response', 'pre_dispute'),
    ('paypal', 'inquiry', 'WAITING_FOR_SELLER_RESPONSE', 'dispute', 'warning_needs_response', 'pre_dispute'),
    ('paypal', 'inquiry', 'WAITING_FOR_BUYER_RESPONSE', 'dispute', 'warning_under_review', 'pre_dispute'),
    ('paypal', 'inquiry', 'UNDER_REVIEW', 'dispute', 'warning_under_review', 'pre_dispute'),
    ('paypal', 'inquiry', 'OTHER', 'dispute', 'warning_under_review', 'pre_dispute'),
    ('paypal', 'inquiry', 'RESOLVED', 'dispute', 'warning_closed', 'pre_dispute'),
    ('paypal', 'dispute', 'OPEN', 'dispute', 'needs_response', 'dispute'),
    ('paypal', 'dispute', 'WAITING_FOR_SELLER_RESPONSE', 'dispute', 'needs_response', 'dispute'),
    ('paypal', 'dispute', 'WAITING_FOR_BUYER_RESPONSE', 'dispute', 'under_review', 'dispute'),
    ('paypal', 'dispute', 'UNDER_REVIEW', 'dispute', 'under_review', 'dispute'),
    ('paypal', 'dispute', 'OTHER', 'dispute', 'under_review', 'dispute'),
    ('paypal', 'dispute_outcome', 'RESOLVED_BUYER_FAVOUR', 'dispute', 'lost', 'dispute'),
    ('paypal', 'dispute_outcome', 'ACCEPTED', 'dispute', 'lost', 'dispute'),
    ('paypal', 'dispute_outcome', 'RESOLVED_SELLER_FAVOUR', 'dispute', 'won', 'dispute'),
    ('paypal', 'dispute_outcome', 'RESOLVED_WITH_PAYOUT', 'dispute', 'won', 'dispute'),
    ('paypal', 'dispute_outcome', 'CANCELED_BY_BUYER', 'dispute', 'won', 'dispute'),
    ('paypal', 'dispute_outcome', 'DENIED', 'dispute', 'won', 'dispute'),
    ('paypal', 'dispute_outcome', 'NONE', 'dispute', 'won', 'dispute'),
    ('paypal', 'payout_item', 'PENDING', 'payout', 'pending', NULL),
    ('paypal', 'payout_item', 'ONHOLD', 'payout', 'pending', NULL),
    ('paypal', 'payout_item', 'UNCLAIMED', 'payout', 'in_transit', NULL),
    ('paypal', 'payout_item', 'SUCCESS', 'payout', 'paid', NULL),
    ('paypal', 'payout_item', 'FAILED', 'payout', 'failed', NULL),
    ('paypal', 'payout_item', 'DENIED', 'payout', 'failed', NULL),
    ('paypal', 'payout_item', 'BLOCKED', 'payout', 'failed', NULL),
    ('paypal', 'payout_item', 'RETURNED', 'payout', 'failed', NULL),
    ('paypal', 'payout_item', 'CANCELED', 'payout', 'canceled', NULL),
    ('paypal', 'payout_item', 'REFUNDED', 'payout', 'reversed', NULL),
    ('paypal', 'payout_item', 'REVERSED', 'payout', 'reversed', NULL);
INSERT INTO saas.provider_status_map (provider, object, provider_status, machine, state)
SELECT 'paypal', 'event', m.prefix || t.type, m.machine, 'object'
FROM (
    VALUES
        ('CHECKOUT.ORDER.', 'payment_intent', 'APPROVED COMPLETED DECLINED PROCESSED SAVED VOIDED'),
        ('PAYMENT.AUTHORIZATION.', 'payment', 'CREATED VOIDED'),
        ('PAYMENT.CAPTURE.', 'payment', 'COMPLETED DECLINED DENIED PENDING'),
        ('PAYMENT.CAPTURE.', 'refund', 'REFUNDED REVERSED'),
        ('PAYMENT.REFUND.', 'refund', 'COMPLETED FAILED PENDING'),
        ('PAYMENT.SALE.', 'payment', 'COMPLETED DENIED PENDING'),
        ('PAYMENT.SALE.', 'refund', 'REFUNDED REVERSED'),
        ('CUSTOMER.DISPUTE.', 'dispute', 'CREATED RESOLVED UPDATED'),
        ('RISK.DISPUTE.', 'dispute', 'CREATED'),
        ('PAYMENT.PAYOUTS-ITEM.', 'payout', 'BLOCKED CANCELED DENIED FAILED HELD REFUNDED RETURNED SUCCEEDED UNCLAIMED')
) AS m (prefix, machine, types)
CROSS JOIN LATERAL unnest(string_to_array(m.types, ' ')) AS t (type);
INSERT INTO saas.provider_status_map (provider, object, provider_status, state, reason)
SELECT 'paypal', 'event', m.prefix || t.type, 'ignored', m.reason
FROM (
    VALUES
        ('', 'the order tells', 'CHECKOUT.PAYMENT-APPROVAL.REVERSED CHECKOUT.CHECKOUT.BUYER-APPROVED PAYMENTS.PAYMENT.CREATED PAYMENT.ORDER.CANCELLED PAYMENT.ORDER.CREATED'),
        ('PAYMENT.PAYOUTSBATCH.', 'each item of a batch tells', 'DENIED PROCESSING SUCCESS'),
        ('PAYMENT.REFERENCED-PAYOUT-ITEM.', 'money of other merchants is not kept here', 'COMPLETED FAILED'),
        ('BILLING.', 'billing is kept by its own module', 'PLAN.ACTIVATED PLAN.CREATED PLAN.DEACTIVATED PLAN.PRICING-CHANGE.ACTIVATED PLAN.UPDATED SUBSCRIPTION.ACTIVATED SUBSCRIPTION.CANCELLED SUBSCRIPTION.CREATED SUBSCRIPTION.EXPIRED SUBSCRIPTION.PAYMENT.FAILED SUBSCRIPTION.RE-ACTIVATED SUBSCRIPTION.SUSPENDED SUBSCRIPTION.UPDATED'),
        ('INVOICING.INVOICE.', 'billing is kept by its own module', 'CANCELLED CREATED PAID REFUNDED SCHEDULED UPDATED'),
        ('CATALOG.PRODUCT.', 'billing is kept by its own module', 'CREATED UPDATED'),
        ('IDENTITY.', 'no payment of a customer', 'AUTHORIZATION-CONSENT.REVOKED'),
        ('MERCHANT.', 'accounts of the platform are not kept here', 'ONBOARDING.COMPLETED PARTNER-CONSENT.REVOKED'),
        ('CUSTOMER.', 'accounts of the platform are not kept here', 'ACCOUNT-LIMITATION.ADDED ACCOUNT-LIMITATION.ESCALATED ACCOUNT-LIMITATION.LIFTED ACCOUNT-LIMITATION.UPDATED MERCHANT-INTEGRATION.CAPABILITY-UPDATED MERCHANT-INTEGRATION.PRODUCT-SUBSCRIPTION-UPDATED MERCHANT-INTEGRATION.SELLER-ALREADY-INTEGRATED MERCHANT-INTEGRATION.SELLER-CONSENT-GRANTED MERCHANT-INTEGRATION.SELLER-EMAIL-CONFIRMED MERCHANT-INTEGRATION.SELLER-ONBOARDING-INITIATED MANAGED-ACCOUNT.ACCOUNT-CREATED MANAGED-ACCOUNT.ACCOUNT-STATUS-CHANGED MANAGED-ACCOUNT.ACCOUNT-UPDATED MANAGED-ACCOUNT.CREATION-FAILED MANAGED-ACCOUNT.NEGATIVE-BALANCE-DEBIT-INITIATED MANAGED-ACCOUNT.NEGATIVE-BALANCE-NOTIFIED MANAGED-ACCOUNT.RISK-ASSESSED'),
        ('VAULT.', 'payment methods are read from payments', 'CREDIT-CARD.CREATED CREDIT-CARD.DELETED CREDIT-CARD.UPDATED PAYMENT-TOKEN.CREATED PAYMENT-TOKEN.DELETED PAYMENT-TOKEN.DELETION-INITIATED')
) AS m (prefix, reason, types)
CROSS JOIN LATERAL unnest(string_to_array(m.types, ' ')) AS t (type);

-- Square.
INSERT INTO saas.provider_status_map (provider, object, provider_status, machine, state, stage)
VALUES
    ('square', 'payment', 'PENDING', 'payment', 'pending', NULL),
    ('square', 'payment', 'APPROVED', 'payment', 'authorized', NULL),
    ('square', 'payment', 'COMPLETED', 'payment', 'paid', NULL),
    ('square', 'payment', 'CANCELED', 'payment', 'voided', NULL),
    ('square', 'payment', 'FAILED', 'payment', 'failed', NULL),
    ('square', 'refund', 'PENDING', 'refund', 'pending', NULL),
    ('square', 'refund', 'APPROVED', 'refund', 'succeeded', NULL),
    ('square', 'refund', 'COMPLETED', 'refund', 'succeeded', NULL),
    ('square', 'refund', 'REJECTED', 'refund', 'failed', NULL),
    ('square', 'refund', 'FAILED', 'refund', 'failed', NULL),
    ('square', 'dispute', 'INQUIRY_EVIDENCE_REQUIRED', 'dispute', 'warning_needs_response', 'pre_dispute'),
    ('square', 'dispute', 'INQUIRY_PROCESSING', 'dispute', 'warning_under_review', 'pre_dispute'),
    ('square', 'dispute', 'INQUIRY_CLOSED', 'dispute', 'warning_closed', 'pre_dispute'),
    ('square', 'dispute', 'EVIDENCE_REQUIRED', 'dispute', 'needs_response', 'dispute'),
    ('square', 'dispute', 'PROCESSING', 'dispute', 'under_review', 'dispute'),
    ('square', 'dispute', 'WON', 'dispute', 'won', 'dispute'),
    ('square', 'dispute', 'LOST', 'dispute', 'lost', 'dispute'),
    ('square', 'dispute', 'ACCEPTED', 'dispute', 'accepted', 'dispute'),
    ('square', 'payout', 'SENT', 'payout', 'in_transit', NULL),
    ('square', 'payout', 'PAID', 'payout', 'paid', NULL),
    ('square', 'payout', 'FAILED', 'payout', 'failed', NULL),
    ('square', 'event', 'payment.created', 'payment', 'object', NULL),
    ('square', 'event', 'payment.updated', 'payment', 'object', NULL),
    ('square', 'event', 'refund.created', 'refund', 'object', NULL),
    ('square', 'event', 'refund.updated', 'refund', 'object', NULL),
    ('square', 'event', 'dispute.created', 'dispute', 'object', NULL),
    ('square', 'event', 'dispute.state.changed', 'dispute', 'object', NULL),
    ('square', 'event', 'dispute.state.updated', 'dispute', 'object', NULL),
    ('square', 'event', 'payout.sent', 'payout', 'object', NULL),
    ('square', 'event', 'payout.paid', 'payout', 'object', NULL),
    ('square', 'event', 'payout.failed', 'payout', 'object', NULL);
INSERT INTO saas.provider_status_map (provider, object, provider_status, state, reason)
SELECT 'square', 'event', t.type, 'ignored', m.reason
FROM (
    VALUES
        ('the state of the dispute tells', 'dispute.evidence.added dispute.evidence.created dispute.evidence.deleted dispute.evidence.removed'),
        ('the payment tells', 'order.created order.updated order.fulfillment.updated order.custom_attribute.owned.deleted order.custom_attribute.owned.updated order.custom_attribute.visible.deleted order.custom_attribute.visible.updated terminal.action.created terminal.action.updated terminal.checkout.created terminal.checkout.updated'),
        ('the refund tells', 'terminal.refund.created terminal.refund.updated'),
        ('customers are kept by the application', 'customer.created customer.deleted customer.updated card.automatically_updated card.created card.disabled card.forgotten card.updated gift_card.activity.created gift_card.activity.updated gift_card.created gift_card.customer_linked gift_card.customer_unlinked gift_card.updated loyalty.account.created loyalty.account.deleted loyalty.account.updated loyalty.event.created loyalty.program.created loyalty.program.updated loyalty.promotion.created loyalty.promotion.updated'),
        ('billing is kept by its own module', 'invoice.canceled invoice.created invoice.deleted invoice.payment_made invoice.published invoice.refunded invoice.scheduled_charge_failed invoice.updated subscription.created subscription.updated'),
        ('commerce is kept by its own module', 'booking.created booking.updated catalog.version.updated inventory.count.updated vendor.created vendor.updated'),
        ('no payment of a customer', 'bank_account.created bank_account.disabled bank_account.verified device.code.paired device.created job.created job.updated labor.shift.created labor.shift.deleted labor.shift.updated labor.timecard.created labor.timecard.deleted labor.timecard.updated location.created location.updated merchant.settings.updated oauth.authorization.revoked online_checkout.location_settings.updated online_checkout.merchant_settings.updated team_member.created team_member.updated team_member.wage_setting.updated transfer_order.created transfer_order.deleted transfer_order.updated webhooks.test_notification')
) AS m (reason, types)
CROSS JOIN LATERAL unnest(string_to_array(m.types, ' ')) AS t (type);

-- Adyen: the event is the state.
INSERT INTO saas.provider_status_map (provider, object, provider_status, machine, state, stage, reason)
VALUES
    ('adyen', 'success', 'PENDING', 'payment', 'pending', NULL, NULL),
    ('adyen', 'failure', 'PENDING', 'payment', 'failed', NULL, NULL),
    ('adyen', 'success', 'AUTHORISATION', 'payment', 'authorized', NULL, NULL),
    ('adyen', 'failure', 'AUTHORISATION', 'payment', 'failed', NULL, NULL),
    ('adyen', 'success', 'OFFER_CLOSED', 'payment', 'failed', NULL, NULL),
    ('adyen', 'failure', 'OFFER_CLOSED', NULL, 'ignored', NULL, 'the offer is still open'),
    ('adyen', 'success', 'EXPIRE', 'payment', 'voided', NULL, NULL),
    ('adyen', 'failure', 'EXPIRE', NULL, 'ignored', NULL, 'nothing has changed'),
    ('adyen', 'success', 'CANCELLATION', 'payment', 'voided', NULL, NULL),
    ('adyen', 'failure', 'CANCELLATION', NULL, 'ignored', NULL, 'nothing has changed'),
    ('adyen', 'success', 'TECHNICAL_CANCEL', 'payment', 'voided', NULL, NULL),
    ('adyen', 'failure', 'TECHNICAL_CANCEL', NULL, 'ignored', NULL, 'nothing has changed'),
    ('adyen', 'success', 'CAPTURE', 'payment_transaction', 'succeeded', NULL, NULL),
    ('adyen', 'failure', 'CAPTURE', 'payment_transaction', 'failed', NULL, NULL),
    ('adyen', 'success', 'CAPTURE_FAILED', 'payment_transaction', 'failed', NULL, NULL),
    ('adyen', 'failure', 'CAPTURE_FAILED', 'payment_transaction', 'failed', NULL, NULL),
    ('adyen', 'success', 'REFUND', 'refund', 'succeeded', NULL, NULL),
    ('adyen', 'failure', 'REFUND', 'refund', 'failed', NULL, NULL),
    ('adyen', 'success', 'REFUND_WITH_DATA', 'refund', 'succeeded', NULL, NULL),
    ('adyen', 'failure', 'REFUND_WITH_DATA', 'refund', 'failed', NULL, NULL),
    ('adyen', 'success', 'POSTPONED_REFUND', 'refund', 'pending', NULL, NULL),
    ('adyen', 'failure', 'POSTPONED_REFUND', 'refund', 'failed', NULL, NULL),
    ('adyen', 'success', 'REFUND_FAILED', 'refund', 'failed', NULL, NULL),
    ('adyen', 'failure', 'REFUND_FAILED', 'refund', 'failed', NULL, NULL),
    ('adyen', 'success', 'REFUNDED_REVERSED', 'refund', 'failed', NULL, NULL),
    ('adyen', 'failure', 'REFUNDED_REVERSED', NULL, 'ignored', NULL, 'nothing has changed'),
    ('adyen', 'success', 'REQUEST_FOR_INFORMATION', 'dispute', 'warning_needs_response', 'pre_dispute', NULL),
    ('adyen', 'success', 'INFORMATION_SUPPLIED', 'dispute', 'warning_under_review', 'pre_dispute', NULL),
    ('adyen', 'success', 'NOTIFICATION_OF_CHARGEBACK', 'dispute', 'warning_needs_response', 'pre_dispute', NULL),
    ('adyen', 'success', 'CHARGEBACK', 'dispute', 'needs_response', 'dispute', NULL),
    ('adyen', 'success', 'CHARGEBACK_REVERSED', 'dispute', 'won', 'dispute', NULL),
    ('adyen', 'success', 'ISSUER_RESPONSE_TIMEFRAME_EXPIRED', 'dispute', 'won', 'dispute', NULL),
    ('adyen', 'success', 'PREARBITRATION_OPEN', 'dispute', 'needs_response', 'pre_arbitration', NULL),
    ('adyen', 'success', 'PREARBITRATION_WON', 'dispute', 'won', 'pre_arbitration', NULL),
    ('adyen', 'success', 'PREARBITRATION_LOST', 'dispute', 'lost', 'pre_arbitration', NULL),
    ('adyen', 'success', 'SECOND_CHARGEBACK', 'dispute', 'lost', 'pre_arbitration', NULL),
    ('adyen', 'success', 'SCHEME_ARBITRATION_WON', 'dispute', 'won', 'arbitration', NULL),
    ('adyen', 'success', 'SCHEME_ARBITRATION_LOST', 'dispute', 'lost', 'arbitration', NULL),
    ('adyen', 'success', 'PAYOUT_THIRDPARTY', 'payout', 'in_transit', NULL, NULL),
    ('adyen', 'failure', 'PAYOUT_THIRDPARTY', 'payout', 'failed', NULL, NULL),
    ('adyen', 'success', 'PAYOUT_DECLINE', 'payout', 'canceled', NULL, NULL),
    ('adyen', 'failure', 'PAYOUT_DECLINE', NULL, 'ignored', NULL, 'nothing has changed'),
    ('adyen', 'success', 'PAYOUT_EXPIRE', 'payout', 'canceled', NULL, NULL),
    ('adyen', 'failure', 'PAYOUT_EXPIRE', NULL, 'ignored', NULL, 'nothing has changed'),
    ('adyen', 'success', 'PAIDOUT_REVERSED', 'payout', 'failed', NULL, NULL),
    ('adyen', 'failure', 'PAIDOUT_REVERSED', NULL, 'ignored', NULL, 'nothing has changed'),
    -- By what was done: the member modification.action of its additional data.
    ('adyen', 'success', 'CANCEL_OR_REFUND', 'refund', 'succeeded', NULL, NULL),
    ('adyen', 'failure', 'CANCEL_OR_REFUND', 'refund', 'failed', NULL, NULL),
    ('adyen', 'success', 'VOID_PENDING_REFUND', 'refund', 'succeeded', NULL, NULL),
    ('adyen', 'failure', 'VOID_PENDING_REFUND', 'refund', 'failed', NULL, NULL);
INSERT INTO saas.provider_status_map (provider, object, provider_status, state, reason)
SELECT 'adyen', 'failure', m.provider_status, 'ignored', 'the network did not accept this step of the dispute'
FROM saas.provider_status_map AS m
WHERE m.provider = 'adyen' AND m.machine = 'dispute';
INSERT INTO saas.provider_status_map (provider, object, provider_status, machine, state)
SELECT DISTINCT 'adyen', 'event', m.provider_status, m.machine, 'object'
FROM saas.provider_status_map AS m
WHERE m.provider = 'adyen' AND m.object = 'success';
INSERT INTO saas.provider_status_map (provider, object, provider_status, machine, state)
VALUES ('adyen', 'event', 'NOTIFICATION_OF_FRAUD', 'fraud_warning', 'object');
INSERT INTO saas.provider_status_map (provider, object, provider_status, state, reason)
SELECT 'adyen', 'event', t.type, 'ignored', m.reason
FROM (
    VALUES
        ('a larger authorisation shows when it is captured', 'AUTHORISATION_ADJUSTMENT'),
        ('the decision follows as an event of its own', 'MANUAL_REVIEW_ACCEPT MANUAL_REVIEW_REJECT DISPUTE_DEFENSE_PERIOD_ENDED ISSUER_COMMENTS'),
        ('the payments of the order tell', 'ORDER_CLOSED ORDER_OPENED'),
        ('payment methods are read from payments', 'RECURRING_CONTRACT'),
        ('no money moves', 'AUTHENTICATION AUTORESCUE CANCEL_AUTORESCUE DEACTIVATE_RECURRING HANDLED_EXTERNALLY NOTIFICATIONTEST'),
        ('files and reports are not kept here', 'REPORT_AVAILABLE')
) AS m (reason, types)
CROSS JOIN LATERAL unnest(string_to_array(m.types, ' ')) AS t (type);

-- Razorpay: orders are intents.
INSERT INTO saas.provider_status_map (provider, object, provider_status, machine, state, stage)
VALUES
    ('razorpay', 'order', 'created', 'payment_intent', 'requires_payment_method', NULL),
    ('razorpay', 'order', 'attempted', 'payment_intent', 'processing', NULL),
    ('razorpay', 'order', 'paid', 'payment_intent', 'succeeded', NULL),
    ('razorpay', 'payment', 'created', 'payment', 'pending', NULL),
    ('razorpay', 'payment', 'pending', 'payment', 'pending', NULL),
    ('razorpay', 'payment', 'authorized', 'payment', 'authorized', NULL),
    ('razorpay', 'payment', 'captured', 'payment', 'paid', NULL),
    ('razorpay', 'payment', 'refunded', 'payment', 'paid', NULL),
    ('razorpay', 'released_payment', 'refunded', 'payment', 'voided', NULL),
    ('razorpay', 'payment', 'failed', 'payment', 'failed', NULL),
    ('razorpay', 'refund', 'pending', 'refund', 'pending', NULL),
    ('razorpay', 'refund', 'created', 'refund', 'pending', NULL),
    ('razorpay', 'refund', 'processed', 'refund', 'succeeded', NULL),
    ('razorpay', 'refund', 'failed', 'refund', 'failed', NULL),
    ('razorpay', 'inquiry', 'open', 'dispute', 'warning_needs_response', 'pre_dispute'),
    ('razorpay', 'inquiry', 'under_review', 'dispute', 'warning_under_review', 'pre_dispute'),
    ('razorpay', 'inquiry', 'won', 'dispute', 'warning_closed', 'pre_dispute'),
    ('razorpay', 'inquiry', 'lost', 'dispute', 'warning_closed', 'pre_dispute'),
    ('razorpay', 'inquiry', 'closed', 'dispute', 'warning_closed', 'pre_dispute'),
    ('razorpay', 'dispute', 'open', 'dispute', 'needs_response', 'dispute'),
    ('razorpay', 'dispute', 'under_review', 'dispute', 'under_review', 'dispute'),
    ('razorpay', 'dispute', 'won', 'dispute', 'won', 'dispute'),
    ('razorpay', 'dispute', 'lost', 'dispute', 'lost', 'dispute'),
    ('razorpay', 'dispute', 'closed', 'dispute', 'won', 'dispute'),
    ('razorpay', 'deducted_dispute', 'closed', 'dispute', 'lost', 'dispute'),
    ('razorpay', 'payout', 'pending', 'payout', 'requires_review', NULL),
    ('razorpay', 'payout', 'scheduled', 'payout', 'scheduled', NULL),
    ('razorpay', 'payout', 'queued', 'payout', 'pending', NULL),
    ('razorpay', 'payout', 'processing', 'payout', 'in_transit', NULL),
    ('razorpay', 'payout', 'processed', 'payout', 'paid', NULL),
    ('razorpay', 'payout', 'reversed', 'payout', 'reversed', NULL),
    ('razorpay', 'payout', 'cancelled', 'payout', 'canceled', NULL),
    ('razorpay', 'payout', 'rejected', 'payout', 'canceled', NULL),
    ('razorpay', 'payout', 'failed', 'payout', 'failed', NULL),
    ('razorpay', 'settlement', 'created', 'payout', 'pending', NULL),
    ('razorpay', 'settlement', 'processed', 'payout', 'paid', NULL),
    ('razorpay', 'settlement', 'failed', 'payout', 'failed', NULL);
INSERT INTO saas.provider_status_map (provider, object, provider_status, machine, state)
SELECT 'razorpay', 'event', m.prefix || t.type, m.machine, 'object'
FROM (
    VALUES
        ('payment.', 'payment', 'authorized captured failed pending'),
        ('order.', 'payment_intent', 'paid'),
        ('refund.', 'refund', 'created failed processed speed_changed'),
        ('payment.dispute.', 'dispute', 'action_required closed created lost under_review won'),
        ('payout.', 'payout', 'failed initiated pending processed queued rejected reversed updated'),
        ('settlement.', 'payout', 'processed')
) AS m (prefix, machine, types)
CROSS JOIN LATERAL unnest(string_to_array(m.types, ' ')) AS t (type);
INSERT INTO saas.provider_status_map (provider, object, provider_status, state, reason)
SELECT 'razorpay', 'event', m.prefix || t.type, 'ignored', m.reason
FROM (
    VALUES
        ('payment.downtime.', 'no payment of a customer', 'resolved started updated'),
        ('payout.downtime.', 'no payment of a customer', 'resolved started'),
        ('order.notification.', 'no money moves', 'delivered failed'),
        ('invoice.', 'billing is kept by its own module', 'expired paid partially_paid'),
        ('subscription.', 'billing is kept by its own module', 'activated authenticated cancelled charged completed halted paused pending resumed updated'),
        ('token.', 'payment methods are read from payments', 'cancellation_initiated cancelled confirmed paused rejected'),
        ('payment_link.', 'the payment of the link tells', 'cancelled expired paid partially_paid'),
        ('virtual_account.', 'the payment tells', 'closed created credited'),
        ('qr_code.', 'the payment tells', 'closed created credited'),
        ('fund_account.validation.', 'no money moves', 'completed failed'),
        ('account.', 'accounts of the platform are not kept here', 'app.authorization_revoked instantly_activated activated_kyc_pending under_review needs_clarification activated rejected updated suspended funds_hold funds_unhold international_enabled international_disabled mismatch_kyc'),
        ('product.', 'accounts of the platform are not kept here', 'route.activated route.needs_clarification route.rejected route.under_review'),
        ('payout_link.', 'the payout of the link tells', 'attempted cancelled expired issued pending processed processing rejected'),
        ('', 'money between own accounts is not kept here', 'transaction.created transaction.updated transfer.failed transfer.processed')
) AS m (prefix, reason, types)
CROSS JOIN LATERAL unnest(string_to_array(m.types, ' ')) AS t (type);

-- The neutral body speaks of our own states.
INSERT INTO saas.provider_status_map (provider, object, provider_status, machine, state)
SELECT DISTINCT p.provider, CASE t.machine WHEN 'payment_transaction' THEN 'capture' ELSE t.machine END, t.to_state, t.machine, t.to_state
FROM saas.state_transitions AS t
CROSS JOIN (VALUES ('standard'), ('svix')) AS p (provider)
WHERE t.machine IN ('payment_intent', 'payment', 'refund', 'dispute', 'payout')
    OR (t.machine = 'payment_transaction' AND t.to_state IN ('pending', 'succeeded', 'failed'));
INSERT INTO saas.provider_status_map (provider, object, provider_status, machine, state)
SELECT DISTINCT m.provider, 'event', m.object || '.' || v.verb, m.machine, 'object'
FROM saas.provider_status_map AS m
CROSS JOIN (VALUES ('created'), ('updated')) AS v (verb)
WHERE m.provider IN ('standard', 'svix') AND m.object <> 'event';
