-- How people come into teams and sign in, where they live, and what they are told.

CREATE TABLE saas.team_invitations (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    email text NOT NULL,
    role text NOT NULL DEFAULT 'member',
    match_email boolean NOT NULL DEFAULT true,
    token_hash bytea NOT NULL,
    invited_by uuid,
    accepted_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT team_invitations_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT team_invitations_team_id_token_hash_key UNIQUE (team_id, token_hash),
    CONSTRAINT team_invitations_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT team_invitations_invited_by_fkey
        FOREIGN KEY (invited_by) REFERENCES saas.users (id) ON DELETE SET NULL,
    CONSTRAINT team_invitations_accepted_by_fkey
        FOREIGN KEY (accepted_by) REFERENCES saas.users (id) ON DELETE SET NULL,
    CONSTRAINT team_invitations_email_check
        CHECK (email ~ '^[^@[:space:]]+@[^@[:space:]]+$' AND length(email) <= 254),
    CONSTRAINT team_invitations_role_check CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    CONSTRAINT team_invitations_token_hash_check CHECK (octet_length(token_hash) = 32),
    CONSTRAINT team_invitations_outcome_check CHECK (accepted_at IS NULL OR revoked_at IS NULL)
);
-- One open invitation per address; inviting again replaces its token.
CREATE UNIQUE INDEX team_invitations_open_key ON saas.team_invitations (team_id, lower(email))
WHERE accepted_at IS NULL AND revoked_at IS NULL;
CREATE INDEX team_invitations_invited_by_idx ON saas.team_invitations (invited_by);
CREATE INDEX team_invitations_accepted_by_idx ON saas.team_invitations (accepted_by);

CREATE TABLE saas.user_sessions (
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    user_id uuid NOT NULL,
    default_team_id uuid,
    token_hash bytea NOT NULL,
    ip inet,
    user_agent text,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    CONSTRAINT user_sessions_pkey PRIMARY KEY (id),
    CONSTRAINT user_sessions_token_hash_key UNIQUE (token_hash),
    CONSTRAINT user_sessions_user_id_fkey
        FOREIGN KEY (user_id) REFERENCES saas.users (id) ON DELETE CASCADE,
    CONSTRAINT user_sessions_default_team_id_fkey
        FOREIGN KEY (default_team_id) REFERENCES saas.teams (id) ON DELETE SET NULL,
    CONSTRAINT user_sessions_token_hash_check CHECK (octet_length(token_hash) = 32),
    CONSTRAINT user_sessions_user_agent_check CHECK (length(user_agent) <= 500)
);
CREATE INDEX user_sessions_user_id_idx ON saas.user_sessions (user_id);
CREATE INDEX user_sessions_default_team_id_idx ON saas.user_sessions (default_team_id);
CREATE INDEX user_sessions_expires_at_idx ON saas.user_sessions (expires_at);

CREATE TABLE saas.addresses (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    user_id uuid,
    kind text NOT NULL DEFAULT 'both',
    is_default boolean NOT NULL DEFAULT false,
    label text,
    recipient text,
    company text,
    line1 text NOT NULL,
    line2 text,
    city text NOT NULL,
    region text,
    postal_code text,
    country char(2) NOT NULL,
    phone text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT addresses_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT addresses_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT addresses_team_id_user_id_fkey
        FOREIGN KEY (team_id, user_id) REFERENCES saas.team_members (team_id, user_id)
        ON DELETE CASCADE,
    CONSTRAINT addresses_kind_check CHECK (kind IN ('billing', 'shipping', 'both')),
    CONSTRAINT addresses_country_check CHECK (country ~ '^[A-Z]{2}$'),
    CONSTRAINT addresses_line1_check CHECK (length(line1) BETWEEN 1 AND 200),
    CONSTRAINT addresses_city_check CHECK (length(city) BETWEEN 1 AND 100),
    CONSTRAINT addresses_details_check CHECK (
        length(concat(label, recipient, company, line2, region, postal_code, phone)) <= 1000
    )
);
CREATE INDEX addresses_team_id_user_id_idx ON saas.addresses (team_id, user_id);
-- One default per kind for each user, and for the team itself; "both" is the default of both kinds.
CREATE UNIQUE INDEX addresses_default_billing_key ON saas.addresses (team_id, user_id)
NULLS NOT DISTINCT WHERE is_default AND kind IN ('billing', 'both');
CREATE UNIQUE INDEX addresses_default_shipping_key ON saas.addresses (team_id, user_id)
NULLS NOT DISTINCT WHERE is_default AND kind IN ('shipping', 'both');

CREATE TABLE saas.notifications (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    user_id uuid NOT NULL,
    channel text NOT NULL DEFAULT 'in_app',
    priority text NOT NULL DEFAULT 'normal',
    title text NOT NULL,
    body text,
    data jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    read_at timestamptz,
    CONSTRAINT notifications_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT notifications_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT notifications_team_id_user_id_fkey
        FOREIGN KEY (team_id, user_id) REFERENCES saas.team_members (team_id, user_id)
        ON DELETE CASCADE,
    CONSTRAINT notifications_channel_check CHECK (channel IN ('in_app', 'email', 'sms', 'push')),
    CONSTRAINT notifications_priority_check CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    CONSTRAINT notifications_title_check CHECK (length(title) BETWEEN 1 AND 200),
    CONSTRAINT notifications_body_check CHECK (length(body) <= 10000),
    CONSTRAINT notifications_data_check CHECK (jsonb_typeof(data) = 'object')
);
CREATE INDEX notifications_team_id_user_id_idx ON saas.notifications (team_id, user_id);
CREATE INDEX notifications_unread_idx ON saas.notifications (team_id, user_id, id)
WHERE read_at IS NULL;
CREATE INDEX notifications_expires_at_idx ON saas.notifications (expires_at)
WHERE expires_at IS NOT NULL;

CREATE TABLE saas.notification_preferences (
    team_id uuid NOT NULL,
    user_id uuid NOT NULL,
    channel text NOT NULL,
    is_enabled boolean NOT NULL DEFAULT true,
    least_priority text NOT NULL DEFAULT 'low',
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT notification_preferences_pkey PRIMARY KEY (team_id, user_id, channel),
    CONSTRAINT notification_preferences_team_id_fkey
        FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT notification_preferences_team_id_user_id_fkey
        FOREIGN KEY (team_id, user_id) REFERENCES saas.team_members (team_id, user_id)
        ON DELETE CASCADE,
    CONSTRAINT notification_preferences_channel_check
        CHECK (channel IN ('in_app', 'email', 'sms', 'push')),
    CONSTRAINT notification_preferences_least_priority_check
        CHECK (least_priority IN ('low', 'normal', 'high', 'urgent'))
);
