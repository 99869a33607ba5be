-- What a team answers to a dispute with.

CREATE TABLE saas.dispute_evidence (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    payment_dispute_id uuid NOT NULL,
    stage text NOT NULL,
    kind text NOT NULL,
    content text,
    file_reference text,
    due_at timestamptz,
    submitted_at timestamptz,
    removed_at timestamptz,
    created_by uuid DEFAULT saas.current_user_id(),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT dispute_evidence_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT dispute_evidence_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT dispute_evidence_team_id_payment_dispute_id_fkey
        FOREIGN KEY (team_id, payment_dispute_id) REFERENCES saas.payment_disputes (team_id, id),
    CONSTRAINT dispute_evidence_created_by_fkey
        FOREIGN KEY (created_by) REFERENCES saas.users (id) ON DELETE SET NULL,
    CONSTRAINT dispute_evidence_stage_check CHECK (
        stage IN ('pre_dispute', 'dispute', 'pre_arbitration', 'arbitration')
    ),
    CONSTRAINT dispute_evidence_kind_check CHECK (
        kind IN (
            'access_log', 'billing_address', 'cancellation_policy', 'cancellation_rebuttal',
            'customer_communication', 'customer_email', 'customer_ip', 'customer_name',
            'customer_signature', 'duplicate_charge', 'earlier_payments', 'invoice', 'other',
            'product_description', 'receipt', 'refund_policy', 'refund_refusal', 'service_date',
            'service_documentation', 'shipping_address', 'shipping_documentation', 'shipping_tracking'
        )
    ),
    CONSTRAINT dispute_evidence_content_check CHECK (length(content) BETWEEN 1 AND 20000),
    CONSTRAINT dispute_evidence_file_reference_check CHECK (length(file_reference) BETWEEN 1 AND 1000),
    CONSTRAINT dispute_evidence_one_check CHECK (num_nonnulls(content, file_reference) = 1),
    CONSTRAINT dispute_evidence_removed_at_check CHECK (removed_at IS NULL OR submitted_at IS NULL)
);
CREATE INDEX dispute_evidence_team_id_payment_dispute_id_idx
ON saas.dispute_evidence (team_id, payment_dispute_id);
CREATE INDEX dispute_evidence_created_by_idx ON saas.dispute_evidence (created_by);
