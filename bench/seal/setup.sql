-- A table of 12 columns, audited, and a log of its updates.
CREATE SCHEMA bench;
CREATE TABLE bench.target (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    customer_id uuid,
    reference text,
    description text,
    amount bigint,
    currency char(3),
    status text,
    is_live boolean,
    metadata jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (team_id, id)
);
INSERT INTO bench.target (team_id, customer_id, reference, description, amount, currency, status, is_live, metadata)
SELECT '0190a000-0000-7000-8000-000000000001', '0190b000-0000-7000-8000-000000000001', 'order-' || i,
    'a description of the usual length for a payment', i, 'EUR', 'pending', true, '{"channel": "web"}'
FROM generate_series(1, :rows) AS i;
SELECT saas.audit_table('bench.target');
