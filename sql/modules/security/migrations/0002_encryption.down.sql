DROP TABLE saas.data_assets;
DROP TABLE saas.data_classifications;
DROP TABLE saas.encryption_keys;
