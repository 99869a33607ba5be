DROP TABLE saas.provider_status_map;
