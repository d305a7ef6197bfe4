"""The stand-in for a control whose answers vary: off until asked, and never another answer."""

from pathlib import Path
from typing import Any

from ops.local.control_noise import CONTROL, ControlNoise, deployed, noisy, switch_of
from tests.fakes import ROOT

USER = {"id": "user-1", "tags": ["a", "b"]}


def read(user_id: str) -> dict[str, Any] | None:
    return dict(USER) if user_id == "user-1" else None


def test_without_a_switch_the_control_is_as_it_is(tmp_path: Path) -> None:
    user = noisy(read, str(tmp_path / "switch"))
    assert [user("user-1"), user("user-2")] == [USER, None]


def test_noise_changes_the_order_of_tags_and_nothing_else(tmp_path: Path) -> None:
    switch = switch_of(tmp_path / "emulator.log", "stack-1")
    user = noisy(read, str(switch))
    ControlNoise(switch).set(1)
    assert user("user-1") == {**USER, "tags": ["b", "a"]}
    assert user("user-2") is None
    ControlNoise(switch).set(0)
    assert user("user-1") == USER


def test_what_is_deployed_is_the_control_that_ships_with_the_noise_around_it(
    tmp_path: Path,
) -> None:
    source = ROOT / "functions"
    files = deployed(source, tmp_path / "it's here")
    assert files[CONTROL].startswith((source / CONTROL).read_bytes())
    compile(files[CONTROL], CONTROL, "exec")
