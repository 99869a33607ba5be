-- Members of providers' objects that the adapters read: what else comes is reported.
CREATE TABLE saas.provider_object_keys (
    provider text NOT NULL,
    object text NOT NULL,
    key text NOT NULL,
    CONSTRAINT provider_object_keys_pkey PRIMARY KEY (provider, object, key),
    CONSTRAINT provider_object_keys_provider_check CHECK (
        provider IN ('stripe', 'paypal', 'square', 'adyen', 'razorpay', 'standard', 'svix')
    )
);
INSERT INTO saas.provider_object_keys (provider, object, key)
SELECT p.provider, m.object, k.key
FROM (
    VALUES
        ('stripe', 'payment_intent', 'id object amount amount_capturable amount_received currency status capture_method description customer payment_method last_payment_error cancellation_reason canceled_at latest_charge charges receipt_email payment_method_types shipping metadata livemode created'),
        ('stripe', 'charge', 'id object payment_intent amount amount_captured amount_refunded currency status captured refunded paid failure_code failure_message payment_method_details customer description disputed metadata livemode created'),
        ('stripe', 'refund', 'id object charge payment_intent amount currency status reason failure_reason metadata created'),
        ('stripe', 'dispute', 'id object charge amount currency status balance_transactions reason network_reason_code payment_method_details evidence_details is_charge_refundable metadata livemode created'),
        ('stripe', 'payout', 'id object amount currency status method arrival_date failure_code failure_message metadata livemode created'),
        ('stripe', 'radar.early_fraud_warning', 'id object charge created'),
        ('paypal', 'checkout-order', 'id status intent purchase_units payer create_time update_time links'),
        ('paypal', 'authorization', 'id status state amount status_details reason_code invoice_id custom_id supplementary_data create_time update_time links'),
        ('paypal', 'capture', 'id status state amount status_details reason_code invoice_id custom_id supplementary_data authorization_id create_time update_time links'),
        ('paypal', 'sale', 'id status state amount status_details reason_code invoice_id supplementary_data create_time update_time links'),
        ('paypal', 'refund', 'id status state amount status_details invoice_id custom_id note_to_payer reason capture_id sale_id supplementary_data create_time update_time links'),
        ('paypal', 'dispute', 'dispute_id dispute_amount dispute_life_cycle_stage status dispute_outcome disputed_transactions reason seller_response_due_date create_time update_time links'),
        ('paypal', 'payouts_item', 'payout_item_id transaction_status payout_item errors time_processed links'),
        ('square', 'payment', 'id status total_money amount_money refunded_money card_details source_type customer_id note reference_id created_at updated_at'),
        ('square', 'refund', 'id status amount_money payment_id reason created_at updated_at'),
        ('square', 'dispute', 'id dispute_id state amount_money disputed_payment reason due_at created_at updated_at'),
        ('square', 'payout', 'id status amount_money type arrival_date created_at updated_at'),
        ('adyen', 'item', 'additionalData amount eventCode eventDate merchantAccountCode merchantReference originalReference paymentMethod pspReference reason success'),
        ('razorpay', 'order', 'id entity amount amount_paid currency status receipt notes created_at'),
        ('razorpay', 'payment', 'id entity order_id amount amount_refunded currency status captured method card customer_id description error_code error_description notes created_at'),
        ('razorpay', 'refund', 'id entity payment_id amount currency status notes created_at'),
        ('razorpay', 'dispute', 'id entity payment_id amount amount_deducted currency status phase reason_code respond_by created_at'),
        ('razorpay', 'payout', 'id entity amount currency status mode status_details failure_reason notes created_at'),
        ('razorpay', 'settlement', 'id entity amount currency status created_at'),
        ('neutral', 'payment_intent', 'id status amount currency amount_capturable amount_received description customer failure_code failure_message attributes metadata livemode created_at'),
        ('neutral', 'payment', 'id payment_intent status amount currency amount_captured amount_refunded failure_code failure_message method card customer description metadata livemode created_at'),
        ('neutral', 'capture', 'id payment status amount currency failure_code metadata created_at'),
        ('neutral', 'refund', 'id payment status amount currency reason failure_code metadata created_at'),
        ('neutral', 'dispute', 'id payment status stage amount currency fee reason evidence_due_at metadata livemode created_at'),
        ('neutral', 'payout', 'id status amount currency method arrives_at failure_code failure_message metadata livemode created_at')
) AS m (provider, object, keys)
CROSS JOIN LATERAL unnest(
    CASE m.provider WHEN 'neutral' THEN ARRAY['standard', 'svix'] ELSE ARRAY[m.provider] END
) AS p (provider)
CROSS JOIN LATERAL unnest(string_to_array(m.keys, ' ')) AS k (key);
