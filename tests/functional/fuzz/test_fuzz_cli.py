"""The command line: whatever is typed, it ends with an exit code and one readable line."""

import json
import os
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from ops.cli import main
from rollout.adapters import clients
from tests.fakes import ROOT
from tests.functional.fuzz.inputs import STRANGE_TEXTS
from tests.fuzz_counts import tried

BETA = str(ROOT / "plans" / "beta.json")
# Nobody listens there: what comes so far has passed every check of its words.
NOWHERE = ["--endpoint-url", "http://127.0.0.1:9"]


def typed(word: str) -> bool:
    """Whether a shell can pass the word on: no NUL, and half characters for odd bytes only."""
    try:
        return b"\0" not in os.fsencode(word)
    except UnicodeEncodeError:
        return False


STRANGE_WORDS = [word for word in STRANGE_TEXTS if len(word) < 1000 and typed(word)]
WORDS = st.sampled_from(("\udcff", *STRANGE_WORDS)) | st.text(max_size=20).filter(typed)
NUMBERS = st.sampled_from(("nan", "inf", "-inf", "-0.0", "1e999", "1e308", "0", "x", "9" * 400))
COMMANDS = st.one_of(
    st.tuples(st.just("launch"), st.just("--plan"), WORDS),
    st.tuples(st.just("plan"), st.just("explain"), WORDS, st.just("--requests-per-day=5")),
    NUMBERS.map(lambda n: ("plan", "explain", BETA, f"--requests-per-day={n}")),
    NUMBERS.map(lambda n: ("plan", "explain", BETA, "--requests-per-day=5", f"--users={n}")),
    NUMBERS.map(lambda n: ("plan", "explain", BETA, f"--last-days={n}")),
    WORDS.map(lambda w: ("plan", "explain", BETA, f"--traffic={w}")),
    WORDS.map(lambda w: ("replay", f"--counts={w}", "--plan", BETA)),
    WORDS.map(lambda w: ("rehearse", f"--story={w}")),
    WORDS.map(lambda w: ("rehearse", "--story=healthy", f"--traffic={w}/nowhere")),
    st.lists(WORDS, max_size=3).map(tuple),
)


@pytest.fixture(autouse=True, scope="module")
def _environment(tmp_path_factory: pytest.TempPathFactory) -> object:
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("empty"))
    with mock.patch.dict(os.environ):
        yield
    os.chdir(before)
    clients.client.cache_clear()


@given(words=COMMANDS, as_json=st.booleans())
def test_a_command_ends_with_a_result_or_one_line(words: tuple[str, ...], as_json: bool) -> None:
    tried("command line")
    given_words = [*words, *(["--json"] if as_json and len(words) > 1 else [])]
    done = CliRunner().invoke(main, given_words)
    assert done.exit_code in (0, 1, 2), ascii(done.output)
    assert done.exception is None or isinstance(done.exception, SystemExit), ascii(done.exception)
    if done.exit_code == 0 and as_json and words[:2] == ("plan", "explain"):
        json.loads(done.output, parse_constant=pytest.fail)
    if done.exit_code == 2:
        assert done.output.strip(), words
        assert len(done.output) < 2000


def test_more_users_than_there_can_be_are_bad_input() -> None:
    words = ["plan", "explain", BETA, "--requests-per-day=5", f"--users={'9' * 400}"]
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, "users is " in done.output) == (2, True)


@pytest.mark.parametrize("number", ["nan", "inf", "1e999"])
def test_traffic_that_is_no_number_is_bad_input(number: str) -> None:
    words = ["plan", "explain", BETA, f"--requests-per-day={number}"]
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, "requests_per_day" in done.output) == (2, True)
