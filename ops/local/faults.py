"""Faults of the candidate, injected in the database, so that the code that ships carries none."""

from typing import Final

from ops.local.database import Database
from ops.local.tables import Table
from rollout.domain.errors import InvalidInputError

LONGEST_MS: Final = 60_000

# The role reads a view of the table's old name. `active` spares the healthy the call of a
# function; the function decides once for a row, and so once for a read that finds its user.
INSTALL: Final = """
BEGIN;
CREATE SCHEMA faults;
ALTER TABLE public.{name} SET SCHEMA faults;

CREATE TABLE faults.settings (
    error_rate float8 NOT NULL DEFAULT 0,
    mismatch_rate float8 NOT NULL DEFAULT 0,
    slow_rate float8 NOT NULL DEFAULT 0,
    slow_ms float8 NOT NULL DEFAULT 0,
    active boolean GENERATED ALWAYS AS (error_rate + mismatch_rate + slow_rate > 0) STORED
);
INSERT INTO faults.settings DEFAULT VALUES;

CREATE FUNCTION faults.falsified(known faults.settings) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF random() < known.slow_rate THEN
        PERFORM pg_sleep(known.slow_ms / 1000);
    END IF;
    IF random() < known.error_rate THEN
        RAISE EXCEPTION 'the read failed (injected fault)' USING ERRCODE = 'io_error';
    END IF;
    RETURN random() < known.mismatch_rate;
END
$$;

CREATE VIEW public.{name} AS
SELECT {columns}
FROM faults.{name} t CROSS JOIN faults.settings s;

GRANT USAGE ON SCHEMA faults TO candidate_reader;
REVOKE SELECT ON faults.{name} FROM candidate_reader;
GRANT SELECT ON public.{name} TO candidate_reader;
COMMIT;
"""
FALSIFIED: Final = (
    "CASE WHEN s.active AND faults.falsified(s) THEN {falsely} ELSE t.{column} END AS {column}"
)
CLEAR: Final = (
    "UPDATE faults.settings SET error_rate = 0, mismatch_rate = 0, slow_rate = 0, slow_ms = 0"
)


class Faults:
    """The faults of one database's table; they add up, each drawn by itself for each read.

    Making it installs the means and injects nothing; made twice, it takes over what is there.
    Reads of rows that do not exist are spared. A change is seen by the next read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        [[installed]] = database.execute("SELECT to_regclass('faults.settings') IS NOT NULL")
        if not installed:
            database.execute(_install(database.table))

    def errors(self, rate: float) -> None:
        """Let this share of reads (0..1) fail, with SQLSTATE 58030."""
        self._set("error_rate = :rate", rate=_share(rate))

    def mismatches(self, rate: float) -> None:
        """Let this share of reads (0..1) answer a wrong value, the one that the table names."""
        self._set("mismatch_rate = :rate", rate=_share(rate))

    def slow(self, milliseconds: float, rate: float = 1) -> None:
        """Let this share of reads (0..1) take this much longer.

        Beyond the role's statement_timeout such a read fails with SQLSTATE 57014.
        """
        if not 0 <= milliseconds <= LONGEST_MS:
            raise InvalidInputError(
                field="milliseconds", value=milliseconds, expected=f"0 to {LONGEST_MS}"
            )
        known = {"rate": _share(rate), "slow": float(milliseconds)}
        self._set("slow_rate = :rate, slow_ms = :slow", **known)

    def outage(self) -> None:
        """Let the server be gone: every read fails. By the thread that also clears."""
        self._database.stop()

    def clear(self) -> None:
        """End every fault."""
        self._database.start()
        self._database.execute(CLEAR)

    def _set(self, assignments: str, **values: float) -> None:
        statement = f"UPDATE faults.settings SET {assignments}"  # nosec B608  # our own words
        self._database.execute(statement, **values)


def _install(table: Table) -> str:
    """INSTALL for a table, all of whose words are our own."""
    columns = (
        FALSIFIED.format(column=column, falsely=table.falsely)
        if column == table.falsified
        else f"t.{column}"
        for column in table.columns
    )
    return INSTALL.format(name=table.name, columns=", ".join(columns))


def _share(rate: float) -> float:
    if not 0 <= rate <= 1:  # NaN is refused too
        raise InvalidInputError(field="rate", value=rate, expected="a share from 0 to 1")
    return float(rate)
