-- Login roles as an installation would make them. The backend vouches for its users and acts for
-- them with the rights of saas_app; the worker takes in webhooks.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'e2e_backend') THEN
        CREATE ROLE e2e_backend LOGIN;
        CREATE ROLE e2e_worker LOGIN;
    END IF;
END
$$;
