-- The orders, as the candidate has them. Run once, after ops/local/role.sql, by the superuser.

CREATE TABLE orders (
    customer text PRIMARY KEY,
    number bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'paid', 'shipped', 'returned')),
    placed_at timestamptz NOT NULL,
    lines jsonb NOT NULL,
    total numeric(12, 4) NOT NULL,
    delivery jsonb NOT NULL,
    served_by text NOT NULL
);
GRANT SELECT ON orders TO candidate_reader;
