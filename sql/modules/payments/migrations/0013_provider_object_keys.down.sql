DROP TABLE saas.provider_object_keys;
