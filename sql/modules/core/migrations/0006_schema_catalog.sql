-- What the package's tables and functions have, as it was deployed, so that saas.validate() notices what is gone.
CREATE TABLE saas.schema_catalog (
    kind text NOT NULL,
    identity text NOT NULL,
    definition text NOT NULL,
    remedy text NOT NULL,
    state text NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT schema_catalog_pkey PRIMARY KEY (kind, identity),
    CONSTRAINT schema_catalog_kind_check CHECK (kind IN ('column', 'constraint', 'index', 'right')),
    CONSTRAINT schema_catalog_state_check CHECK (state IN ('package', 'lost', 'foreign'))
);
