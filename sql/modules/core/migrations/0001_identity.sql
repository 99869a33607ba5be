-- Who there is: users, teams, memberships; and the key that signs request contexts.

CREATE TABLE saas.users (
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    email text NOT NULL,
    display_name text,
    avatar_url text,
    bio text,
    website_url text,
    github_username text,
    preferences jsonb NOT NULL DEFAULT '{}',
    platform_role text NOT NULL DEFAULT 'user',
    password_hash text,
    two_factor_enabled boolean NOT NULL DEFAULT false,
    subscription_tier text NOT NULL DEFAULT 'free',
    subscription_ends_at timestamptz,
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_check CHECK (email ~ '^[^@[:space:]]+@[^@[:space:]]+$' AND length(email) <= 254),
    CONSTRAINT users_preferences_check CHECK (jsonb_typeof(preferences) = 'object'),
    CONSTRAINT users_platform_role_check CHECK (
        platform_role IN ('super_admin', 'admin', 'moderator', 'user', 'guest')
    ),
    CONSTRAINT users_password_hash_check CHECK (password_hash ~ '^\$2[abxy]\$[0-9]{2}\$[./A-Za-z0-9]{53}$')
);
-- An address belongs to one user at a time, however it is spelled; a deleted user gives it back.
CREATE UNIQUE INDEX users_email_key ON saas.users (lower(email)) WHERE deleted_at IS NULL;
CREATE INDEX users_created_at_idx ON saas.users (created_at);

CREATE TABLE saas.teams (
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    name text NOT NULL,
    slug text NOT NULL,
    is_active boolean NOT NULL DEFAULT true,
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT teams_pkey PRIMARY KEY (id),
    CONSTRAINT teams_slug_key UNIQUE (slug),
    CONSTRAINT teams_name_check CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT teams_slug_check CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    CONSTRAINT teams_settings_check CHECK (jsonb_typeof(settings) = 'object')
);

CREATE TABLE saas.team_members (
    team_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    user_id uuid NOT NULL,
    role text NOT NULL DEFAULT 'member',
    status text NOT NULL DEFAULT 'active',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT team_members_pkey PRIMARY KEY (team_id, id),
    CONSTRAINT team_members_team_id_user_id_key UNIQUE (team_id, user_id),
    CONSTRAINT team_members_team_id_fkey FOREIGN KEY (team_id) REFERENCES saas.teams (id) ON DELETE CASCADE,
    CONSTRAINT team_members_user_id_fkey FOREIGN KEY (user_id) REFERENCES saas.users (id) ON DELETE CASCADE,
    CONSTRAINT team_members_role_check CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    CONSTRAINT team_members_status_check CHECK (status IN ('invited', 'active', 'suspended'))
);
CREATE INDEX team_members_user_id_idx ON saas.team_members (user_id);

CREATE TABLE saas.context_keys (
    id uuid NOT NULL DEFAULT saas.uuid_v7(),
    key bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT context_keys_pkey PRIMARY KEY (id),
    CONSTRAINT context_keys_key_check CHECK (octet_length(key) = 32)
);
-- 244 random bits: two version 4 UUIDs come from the server's strong random source.
INSERT INTO saas.context_keys (key)
VALUES (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));
