-- Native part of pg_saas: functions of the library. Tables come with SELECT saas.deploy().
SET LOCAL search_path TO pg_catalog, pg_temp;
