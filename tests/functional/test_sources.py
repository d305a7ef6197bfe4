"""Which two reads a rollout is between is said by the deployment, and by it alone."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rollout.adapters import sources, users_candidate, users_control
from rollout.settings import SettingInvalidError, Settings
from tests.fakes import ROOT

FUNCTIONS = ROOT / "functions"


def settings(**named: str) -> Settings:
    return Settings(named)


def test_a_deployment_that_names_nothing_has_the_users_own() -> None:
    assert sources.control(settings()) is users_control.user
    assert sources.candidate(settings()) is users_candidate.connect


def test_the_template_names_the_users_own() -> None:
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    for name in (sources.USERS_CONTROL, sources.USERS_CANDIDATE):
        assert f"    Default: {name}\n" in text


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Callable[[str], None]:
    """Puts a module `tried` with this text into the bundle."""

    def put(text: str) -> None:
        (tmp_path / "tried.py").write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "tried", raising=False)

    return put


def test_a_control_of_ones_own_is_found_by_its_name(elsewhere: Callable[[str], None]) -> None:
    elsewhere("def order(order_id): return {'id': order_id}")
    assert sources.control(settings(CONTROL_READ="tried:order"))("o-1") == {"id": "o-1"}


WRONG = {
    "tried": "it is not written so",
    "tried:": "it is not written so",
    "tried:a.b": "it is not written so",
    "../tried:a": "it is not written so",
    "no_such_module:a": "No module named 'no_such_module'",
    "tried:missing": "module 'tried' has no attribute 'missing'",
    "tried:NUMBER": "it is of type int",
}


@pytest.mark.parametrize(("value", "reason"), WRONG.items())
def test_a_source_that_cannot_be_used_is_named_with_value_and_reason(
    elsewhere: Callable[[str], None], value: str, reason: str
) -> None:
    elsewhere("NUMBER = 1")
    with pytest.raises(SettingInvalidError) as control:
        sources.control(settings(CONTROL_READ=value))("user-1")
    assert f"CONTROL_READ is {value!r}; expected" in str(control.value)
    assert str(control.value).endswith(reason)
    with pytest.raises(SettingInvalidError, match="CANDIDATE_READ"):
        sources.candidate(settings(CANDIDATE_READ=value))().read("user-1")


def test_what_a_module_raises_while_it_is_imported_is_told_by_class_alone(
    elsewhere: Callable[[str], None],
) -> None:
    elsewhere("raise ValueError('postgresql://reader:secret@host/db')")
    with pytest.raises(SettingInvalidError) as found:
        sources.control(settings(CONTROL_READ="tried:a"))("user-1")
    assert str(found.value).endswith("importing it raised ValueError")
    assert "secret" not in str(found.value)


# The handlers themselves, each in a process of its own, as Lambda starts them


def run(program: str, **environment: str) -> tuple[list[str], set[str]]:
    """(lines that the program printed, names of all modules that it loaded)."""
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys; print(*sys.modules, file=sys.stderr)"],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{FUNCTIONS}:{ROOT / 'tests' / 'services' / 'orders'}",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), set(done.stderr.split())


CANDIDATE = "from rollout.handlers import candidate; print(candidate.handler({'userId': 'x'}, 0))"
# As in a stack whose flag cannot be had: nothing is configured, so the last net answers.
RESCUED = """
from types import SimpleNamespace
from rollout.handlers import read
print(read.handler({'userId': 'customer-1'}, SimpleNamespace(aws_request_id='1'))['body'])
"""
READ = "rollout.adapters.users_"


def test_the_last_net_of_a_read_serves_the_control_that_is_named() -> None:
    lines, _ = run(RESCUED, CONTROL_READ="orders_control:order")
    assert json.loads(lines[0])["event"] == "read.rescued"
    assert json.loads(lines[1])["customer"] == "customer-1"


def test_without_a_control_a_read_says_so_and_asks_to_try_again() -> None:
    lines, _ = run(RESCUED, CONTROL_READ="orders_control:nothing")
    assert json.loads(lines[-1]) == {"error": "the read failed, try again"}


def test_a_candidate_that_is_not_there_is_an_answer_that_says_which_setting() -> None:
    lines, _ = run(CANDIDATE, CANDIDATE_READ="orders_candidate:nothing")
    assert "'error': 'SettingInvalidError'" in lines[-1]
    assert "CANDIDATE_READ is 'orders_candidate:nothing'" in lines[-1].replace("\\", "")


@pytest.mark.parametrize("handler", ["read", "compare"])
def test_who_serves_orders_loads_no_user(handler: str) -> None:
    _, loaded = run(f"import rollout.handlers.{handler}", CONTROL_READ="orders_control:order")
    assert "orders_control" in loaded
    assert not {name for name in loaded if name.startswith(READ)}


def test_the_candidate_of_orders_loads_no_user_and_that_of_users_no_order() -> None:
    program = "import rollout.handlers.candidate"
    _, orders = run(program, CANDIDATE_READ="orders_candidate:connect")
    _, users = run(program)
    assert "orders_candidate" in orders and "orders_candidate" not in users
    assert not {name for name in orders if name.startswith(READ)}
    assert "rollout.adapters.users_control" not in users


def test_a_candidate_that_needs_no_database_loads_no_driver(tmp_path: Path) -> None:
    text = "class Source:\n    def read(self, _): return {'a': 1}\n"
    (tmp_path / "elsewhere.py").write_text(text, encoding="utf-8")
    lines, loaded = run(
        CANDIDATE, CANDIDATE_READ="elsewhere:Source", PYTHONPATH=f"{FUNCTIONS}:{tmp_path}"
    )
    assert lines[-1] == "{'user': {'a': 1}, 'error': ''}"
    assert "pg8000" not in loaded
