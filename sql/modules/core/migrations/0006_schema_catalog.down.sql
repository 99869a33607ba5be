DROP TABLE saas.schema_catalog;
