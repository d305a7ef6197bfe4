-- The users, as the candidate has them. Run once, after role.sql, by the superuser.

CREATE TABLE users (
    id text PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL,
    plan text NOT NULL CHECK (plan IN ('free', 'pro', 'team')),
    balance numeric(12, 2) NOT NULL,
    created_at timestamptz NOT NULL,
    tags text[] NOT NULL
);
GRANT SELECT ON users TO candidate_reader;
