-- The candidate's data. Run once, in the new database huntaze, by the superuser.

CREATE TABLE users (
    id text PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL,
    plan text NOT NULL CHECK (plan IN ('free', 'pro', 'team')),
    balance numeric(12, 2) NOT NULL,
    created_at timestamptz NOT NULL,
    tags text[] NOT NULL
);

-- The role carries its limits, because a connection pooler may not let sessions set them.
-- Its password is set by ops/local/database.py.
CREATE ROLE candidate_reader LOGIN CONNECTION LIMIT 80;
ALTER ROLE candidate_reader SET default_transaction_read_only = on;
ALTER ROLE candidate_reader SET statement_timeout = '1500ms';
REVOKE TEMPORARY ON DATABASE huntaze FROM PUBLIC;
GRANT SELECT ON users TO candidate_reader;
