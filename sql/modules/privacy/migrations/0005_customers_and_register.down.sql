-- The register keeps what it says: purposes that were added are ended by saas.end_processing_purpose().
DROP INDEX saas.subscriptions_customer_id_idx;
