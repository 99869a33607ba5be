-- Reading the ledger: balances, statements, and the proof that it agrees with the payments.
CREATE OR REPLACE VIEW saas.ledger_proof
WITH (security_invoker = true) AS
-- Payments against what was posted for them.
SELECT
    p.team_id,
    'payments' AS ref_table,
    p.id AS ref_id,
    f.figure,
    f.derived,
    f.posted
FROM saas.payments AS p
LEFT JOIN LATERAL (
    SELECT
        COALESCE(sum(-e.amount) FILTER (WHERE a.kind = 'sales'), 0) AS captured,
        COALESCE(sum(e.amount) FILTER (WHERE a.kind = 'refunds'), 0) AS refunded
    FROM saas.ledger_transactions AS t
    JOIN saas.ledger_entries AS e
        ON e.team_id = t.team_id AND e.transaction_id = t.id AND e.layer = 'posted'
    JOIN saas.ledger_accounts AS a ON a.team_id = e.team_id AND a.id = e.account_id
    WHERE t.team_id = p.team_id AND t.ref_id = p.id AND t.ref_table = 'payments'
) AS s ON true
CROSS JOIN LATERAL (
    VALUES
        ('amount_captured', p.amount_captured::numeric, s.captured),
        ('amount_refunded', p.amount_refunded::numeric, s.refunded)
) AS f (figure, derived, posted)
WHERE f.derived <> f.posted
UNION ALL
-- Disputes: withdrawn and lost money, and fees.
SELECT
    d.team_id,
    'payment_disputes',
    d.id,
    f.figure,
    f.derived,
    f.posted
FROM saas.payment_disputes AS d
LEFT JOIN LATERAL (
    SELECT
        COALESCE(sum(e.amount) FILTER (WHERE a.kind IN ('disputed_funds', 'dispute_losses')), 0) AS withdrawn,
        COALESCE(sum(e.amount) FILTER (WHERE a.kind = 'dispute_losses'), 0) AS lost,
        COALESCE(sum(e.amount) FILTER (WHERE a.kind = 'provider_fees'), 0) AS fee
    FROM saas.ledger_transactions AS t
    JOIN saas.ledger_entries AS e
        ON e.team_id = t.team_id AND e.transaction_id = t.id AND e.layer = 'posted'
    JOIN saas.ledger_accounts AS a ON a.team_id = e.team_id AND a.id = e.account_id
    WHERE t.team_id = d.team_id AND t.ref_id = d.id AND t.ref_table = 'payment_disputes'
) AS s ON true
CROSS JOIN LATERAL (
    VALUES
        ('amount_withdrawn', d.amount_withdrawn::numeric, s.withdrawn),
        ('lost', CASE d.status WHEN 'lost' THEN d.amount ELSE 0 END, s.lost),
        ('fee_amount', d.fee_amount, s.fee)
) AS f (figure, derived, posted)
WHERE f.derived <> f.posted
UNION ALL
-- Fees.
SELECT
    f.team_id,
    'payment_fees',
    f.id,
    'amount',
    f.amount::numeric,
    s.posted
FROM saas.payment_fees AS f
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(e.amount), 0) AS posted
    FROM saas.ledger_transactions AS t
    JOIN saas.ledger_entries AS e
        ON e.team_id = t.team_id AND e.transaction_id = t.id AND e.layer = 'posted'
    JOIN saas.ledger_accounts AS a
        ON a.team_id = e.team_id AND a.id = e.account_id AND a.kind = 'provider_fees'
    WHERE t.team_id = f.team_id
        AND t.ref_id = f.id
        AND t.ref_table = 'payment_fees'
        AND e.currency = f.currency
) AS s
WHERE f.amount <> s.posted
UNION ALL
-- Payouts: sent, and arrived.
SELECT
    p.team_id,
    'payouts',
    p.id,
    f.figure,
    f.derived,
    f.posted
FROM saas.payouts AS p
LEFT JOIN LATERAL (
    SELECT
        COALESCE(sum(-e.amount) FILTER (WHERE a.kind = 'provider_balance'), 0) AS sent,
        COALESCE(sum(e.amount) FILTER (WHERE a.kind = 'bank'), 0) AS paid
    FROM saas.ledger_transactions AS t
    JOIN saas.ledger_entries AS e
        ON e.team_id = t.team_id AND e.transaction_id = t.id AND e.layer = 'posted'
    JOIN saas.ledger_accounts AS a ON a.team_id = e.team_id AND a.id = e.account_id
    WHERE t.team_id = p.team_id AND t.ref_id = p.id AND t.ref_table = 'payouts'
) AS s ON true
CROSS JOIN LATERAL (
    VALUES
        (
            'sent',
            CASE WHEN p.status IN ('pending', 'in_transit', 'paid') THEN p.amount ELSE 0 END::numeric,
            s.sent
        ),
        ('paid', CASE p.status WHEN 'paid' THEN p.amount ELSE 0 END, s.paid)
) AS f (figure, derived, posted)
WHERE f.derived <> f.posted
UNION ALL
-- Reserves of payouts.
SELECT
    r.team_id,
    'payout_reserves',
    r.id,
    'amount',
    CASE r.status WHEN 'held' THEN r.amount ELSE 0 END::numeric,
    s.held
FROM saas.payout_reserves AS r
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(e.amount), 0) AS held
    FROM saas.ledger_transactions AS t
    JOIN saas.ledger_entries AS e
        ON e.team_id = t.team_id AND e.transaction_id = t.id AND e.layer = 'posted'
    JOIN saas.ledger_accounts AS a ON a.team_id = e.team_id AND a.id = e.account_id AND a.kind = 'reserve'
    WHERE t.team_id = r.team_id AND t.ref_id = r.id AND t.ref_table = 'payout_reserves'
) AS s
WHERE CASE r.status WHEN 'held' THEN r.amount ELSE 0 END <> s.held
UNION ALL
-- Payouts of ours against what they consist of.
SELECT
    p.team_id,
    'payouts',
    p.id,
    'items',
    CASE WHEN p.status IN ('failed', 'canceled', 'reversed') THEN 0 ELSE p.amount END::numeric,
    i.amount
FROM saas.payouts AS p
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(x.amount), 0) AS amount
    FROM saas.payout_items AS x
    WHERE x.team_id = p.team_id AND x.payout_id = p.id AND x.released_at IS NULL
) AS i
WHERE p.scheduled_for IS NOT NULL
    AND CASE WHEN p.status IN ('failed', 'canceled', 'reversed') THEN 0 ELSE p.amount END <> i.amount
UNION ALL
-- What disputes hold of a payment against its disputes.
SELECT
    p.team_id,
    'payments',
    p.id,
    'disputed_total',
    COALESCE(d.withdrawn, 0),
    p.disputed_total
FROM saas.payments AS p
LEFT JOIN (
    SELECT d.team_id, d.payment_id, sum(d.amount_withdrawn) AS withdrawn
    FROM saas.payment_disputes AS d
    GROUP BY d.team_id, d.payment_id
) AS d ON d.team_id = p.team_id AND d.payment_id = p.id
WHERE COALESCE(d.withdrawn, 0) <> p.disputed_total
UNION ALL
-- Running balances against the entries.
SELECT
    a.team_id,
    'ledger_accounts',
    a.id,
    'balance',
    COALESCE(e.amount, 0),
    COALESCE(b.balance, 0)
FROM saas.ledger_accounts AS a
LEFT JOIN (
    SELECT e.team_id, e.account_id, sum(e.amount) AS amount
    FROM saas.ledger_entries AS e
    WHERE e.layer = 'posted'
    GROUP BY e.team_id, e.account_id
) AS s ON s.team_id = a.team_id AND s.account_id = a.id
CROSS JOIN LATERAL (
    SELECT CASE a.normal_side WHEN 'debit' THEN s.amount ELSE -s.amount END AS amount
) AS e
LEFT JOIN (
    SELECT b.team_id, b.account_id, sum(b.balance) AS balance
    FROM saas.ledger_balances AS b
    GROUP BY b.team_id, b.account_id
) AS b ON b.team_id = a.team_id AND b.account_id = a.id
WHERE COALESCE(e.amount, 0) <> COALESCE(b.balance, 0)
UNION ALL
-- Transactions that do not balance.
SELECT
    e.team_id,
    'ledger_transactions',
    e.transaction_id,
    'sum of entries',
    0,
    sum(e.amount)
FROM saas.ledger_entries AS e
GROUP BY e.team_id, e.transaction_id, e.currency, e.layer
HAVING sum(e.amount) <> 0;
COMMENT ON VIEW saas.ledger_proof IS
'Where the ledger does not agree with the payments, with its running balances, or with itself: always empty, or something is wrong.';
COMMENT ON COLUMN saas.ledger_proof.team_id IS 'The team. [internal]';
COMMENT ON COLUMN saas.ledger_proof.ref_table IS 'Table of the row that disagrees. [internal]';
COMMENT ON COLUMN saas.ledger_proof.ref_id IS 'The row. [internal]';
COMMENT ON COLUMN saas.ledger_proof.figure IS 'Which of its figures. [internal]';
COMMENT ON COLUMN saas.ledger_proof.derived IS 'What it should be, in minor units. [internal]';
COMMENT ON COLUMN saas.ledger_proof.posted IS 'What the ledger says, in minor units. [internal]';
GRANT SELECT ON saas.ledger_proof TO saas_app, saas_analyst, saas_service;

CREATE OR REPLACE FUNCTION saas.ledger_trial_balance(p_team uuid, p_at timestamptz DEFAULT 'infinity')
RETURNS TABLE (
    account_id uuid,
    kind text,
    provider text,
    currency char(3),
    debit numeric,
    credit numeric,
    balance numeric
)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    SELECT
        a.id,
        a.kind,
        a.provider,
        a.currency,
        COALESCE(sum(e.amount) FILTER (WHERE e.amount > 0), 0),
        COALESCE(sum(-e.amount) FILTER (WHERE e.amount < 0), 0),
        COALESCE(sum(CASE a.normal_side WHEN 'debit' THEN e.amount ELSE -e.amount END), 0)
    FROM saas.ledger_accounts AS a
    LEFT JOIN saas.ledger_entries AS e
        ON e.team_id = a.team_id
            AND e.account_id = a.id
            AND e.currency = a.currency
            AND e.layer = 'posted'
            AND e.effective_at <= p_at
    WHERE a.team_id = p_team
    GROUP BY a.team_id, a.id
    ORDER BY a.currency, a.kind, a.provider
$$;
COMMENT ON FUNCTION saas.ledger_trial_balance(uuid, timestamptz) IS
'Debits, credits and balance (on the account''s normal side) of every account of the team at a moment, in minor units. In each currency debits and credits are equal. Under row-level security: of another team, nothing.';
REVOKE ALL ON FUNCTION saas.ledger_trial_balance(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.ledger_trial_balance(uuid, timestamptz) TO saas_app, saas_analyst, saas_service;

CREATE OR REPLACE FUNCTION saas.ledger_account_statement(
    p_team uuid,
    p_account uuid,
    p_from timestamptz DEFAULT '-infinity',
    p_to timestamptz DEFAULT 'infinity'
)
RETURNS TABLE (
    effective_at timestamptz,
    transaction_id uuid,
    transaction_kind text,
    ref_table text,
    ref_id uuid,
    amount numeric,
    balance numeric
)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, saas, pg_temp
AS $$
    WITH entries AS (
        SELECT
            e.effective_at,
            e.transaction_id,
            e.id,
            CASE a.normal_side WHEN 'debit' THEN e.amount ELSE -e.amount END AS amount
        FROM saas.ledger_accounts AS a
        JOIN saas.ledger_entries AS e
            ON e.team_id = a.team_id AND e.account_id = a.id AND e.currency = a.currency
        WHERE a.team_id = p_team AND a.id = p_account AND e.layer = 'posted' AND e.effective_at < p_to
    ), opening AS (
        SELECT COALESCE(sum(e.amount), 0) AS balance FROM entries AS e WHERE e.effective_at < p_from
    )
    SELECT
        e.effective_at,
        e.transaction_id,
        t.kind,
        t.ref_table,
        t.ref_id,
        e.amount,
        o.balance + sum(e.amount) OVER (ORDER BY e.effective_at, e.id)
    FROM entries AS e
    JOIN saas.ledger_transactions AS t ON t.team_id = p_team AND t.id = e.transaction_id
    CROSS JOIN opening AS o
    WHERE e.effective_at >= p_from
    ORDER BY e.effective_at, e.id
$$;
COMMENT ON FUNCTION saas.ledger_account_statement(uuid, uuid, timestamptz, timestamptz) IS
'The entries of an account from a moment on and before another one, on its normal side, with the balance after each, in minor units.';
REVOKE ALL ON FUNCTION saas.ledger_account_statement(uuid, uuid, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION saas.ledger_account_statement(uuid, uuid, timestamptz, timestamptz) TO saas_app, saas_analyst, saas_service;
