DELETE FROM saas.provider_status_map WHERE provider <> 'stripe';
