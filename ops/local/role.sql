-- The candidate's role. Run once, in the new database huntaze, by the superuser.
-- It carries its limits, because a connection pooler may not let sessions set them.
-- Its password is set by ops/local/database.py.
CREATE ROLE candidate_reader LOGIN CONNECTION LIMIT 80;
ALTER ROLE candidate_reader SET default_transaction_read_only = on;
ALTER ROLE candidate_reader SET statement_timeout = '1500ms';
REVOKE TEMPORARY ON DATABASE huntaze FROM PUBLIC;
