-- Login roles as an installation would make them. The backend authenticates its users itself: it
-- vouches for them with the rights of saas_service and acts for them with those of saas_app. The
-- worker takes in webhooks and acts for nobody. The guest is an application role that may not vouch.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'e2e_backend') THEN
        CREATE ROLE e2e_backend LOGIN;
        CREATE ROLE e2e_worker LOGIN;
        CREATE ROLE e2e_guest LOGIN;
        GRANT saas_app, saas_service TO e2e_backend;
        GRANT saas_service TO e2e_worker;
        GRANT saas_app TO e2e_guest;
    END IF;
END
$$;
