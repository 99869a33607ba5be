-- Payouts that we make: schedules, what each payout consists of, and reserves.

CREATE TABLE saas.payout_schedules (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    provider text NOT NULL,
    currency char(3) NOT NULL,
    frequency text NOT NULL,
    weekday smallint,
    month_day smallint,
    run_at time NOT NULL DEFAULT '00:00',
    time_zone text NOT NULL DEFAULT 'UTC',
    delay_days smallint NOT NULL DEFAULT 2,
    minimum_amount bigint NOT NULL DEFAULT 1,
    reserve_percent numeric(5, 2) NOT NULL DEFAULT 0,
    reserve_days smallint NOT NULL DEFAULT 90,
    hold_on_disputes boolean NOT NULL DEFAULT false,
    is_active boolean NOT NULL DEFAULT true,
    next_run_at timestamptz,
    last_run_at timestamptz,
    settled_before timestamptz NOT NULL DEFAULT '1970-01-01 00:00:00+00',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT payout_schedules_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT payout_schedules_team_id_provider_currency_key UNIQUE (team_id, provider, currency),
    CONSTRAINT payout_schedules_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT payout_schedules_provider_check CHECK (
        provider IN ('stripe', 'paypal', 'square', 'adyen', 'razorpay')
    ),
    CONSTRAINT payout_schedules_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT payout_schedules_frequency_check CHECK (
        frequency IN ('daily', 'weekly', 'monthly', 'manual')
    ),
    CONSTRAINT payout_schedules_weekday_check CHECK (
        CASE WHEN frequency = 'weekly' THEN COALESCE(weekday >= 1 AND weekday <= 7, false) ELSE weekday IS NULL END
    ),
    CONSTRAINT payout_schedules_month_day_check CHECK (
        CASE
            WHEN frequency = 'monthly' THEN COALESCE(month_day >= 1 AND month_day <= 31, false)
            ELSE month_day IS NULL
        END
    ),
    CONSTRAINT payout_schedules_run_at_check CHECK (run_at < '24:00'),
    CONSTRAINT payout_schedules_delay_days_check CHECK (delay_days BETWEEN 0 AND 365),
    CONSTRAINT payout_schedules_minimum_amount_check CHECK (minimum_amount >= 1),
    CONSTRAINT payout_schedules_reserve_percent_check CHECK (reserve_percent >= 0 AND reserve_percent <= 100),
    CONSTRAINT payout_schedules_reserve_days_check CHECK (reserve_days BETWEEN 1 AND 730),
    CONSTRAINT payout_schedules_next_run_at_check CHECK (frequency <> 'manual' OR next_run_at IS NULL)
);
CREATE INDEX payout_schedules_next_run_at_idx ON saas.payout_schedules (next_run_at) WHERE is_active;

ALTER TABLE saas.payouts
    ADD COLUMN payout_schedule_id uuid,
    ADD COLUMN scheduled_for timestamptz,
    ADD COLUMN scheduled_xact_id xid8,
    ADD COLUMN reserve_amount bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT payouts_team_id_payout_schedule_id_fkey
        FOREIGN KEY (team_id, payout_schedule_id) REFERENCES saas.payout_schedules (team_id, id),
    ADD CONSTRAINT payouts_reserve_amount_check CHECK (reserve_amount >= 0),
    ADD CONSTRAINT payouts_scheduled_for_check CHECK (
        num_nulls(payout_schedule_id, scheduled_for, scheduled_xact_id) IN (0, 3)
    );
CREATE INDEX payouts_team_id_payout_schedule_id_idx ON saas.payouts (team_id, payout_schedule_id);
-- What a run looks at.
CREATE INDEX payouts_team_id_scheduled_for_idx ON saas.payouts (team_id, scheduled_for)
WHERE status IN ('scheduled', 'requires_review');

CREATE TABLE saas.payout_items (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    payout_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    amount bigint NOT NULL,
    currency char(3) NOT NULL,
    released_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT payout_items_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT payout_items_team_id_entry_id_payout_id_key UNIQUE (team_id, entry_id, payout_id),
    CONSTRAINT payout_items_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT payout_items_team_id_payout_id_fkey
        FOREIGN KEY (team_id, payout_id) REFERENCES saas.payouts (team_id, id),
    CONSTRAINT payout_items_team_id_entry_id_fkey
        FOREIGN KEY (team_id, entry_id) REFERENCES saas.ledger_entries (team_id, id),
    CONSTRAINT payout_items_amount_check CHECK (amount <> 0),
    CONSTRAINT payout_items_currency_check CHECK (currency ~ '^[A-Z]{3}$')
);
CREATE INDEX payout_items_team_id_payout_id_idx ON saas.payout_items (team_id, payout_id);
-- No entry of the ledger is paid out twice, whatever runs at once.
CREATE UNIQUE INDEX payout_items_team_id_entry_id_key ON saas.payout_items (team_id, entry_id)
WHERE released_at IS NULL;

CREATE TABLE saas.payout_reserves (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    payout_id uuid NOT NULL,
    provider text NOT NULL,
    amount bigint NOT NULL,
    currency char(3) NOT NULL,
    status text NOT NULL DEFAULT 'held',
    release_at timestamptz NOT NULL,
    released_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT payout_reserves_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT payout_reserves_team_id_payout_id_key UNIQUE (team_id, payout_id),
    CONSTRAINT payout_reserves_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT payout_reserves_team_id_payout_id_fkey
        FOREIGN KEY (team_id, payout_id) REFERENCES saas.payouts (team_id, id),
    CONSTRAINT payout_reserves_provider_check CHECK (
        provider IN ('stripe', 'paypal', 'square', 'adyen', 'razorpay')
    ),
    CONSTRAINT payout_reserves_amount_check CHECK (amount > 0),
    CONSTRAINT payout_reserves_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT payout_reserves_status_check CHECK (status IN ('held', 'released')),
    CONSTRAINT payout_reserves_released_at_check CHECK ((released_at IS NOT NULL) = (status = 'released'))
);
CREATE INDEX payout_reserves_team_id_release_at_idx ON saas.payout_reserves (team_id, release_at)
WHERE status = 'held';

INSERT INTO saas.state_transitions (machine, ordinal, operation, from_state, to_state)
VALUES
    ('payout_reserve', 10, 'hold', NULL, 'held'),
    ('payout_reserve', 20, 'release', 'held', 'released');
