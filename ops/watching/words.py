"""A view in words: the lines that people read, on a terminal or in a file."""

from collections.abc import Mapping
from typing import Any

from ops.pictures.svg import lasting
from ops.watching.view import next_step
from rollout.domain.moments import iso
from rollout.domain.notice import percent

View = Mapping[str, Any]


def moment(at: float) -> str:
    """An epoch second as ISO 8601 in UTC, to the second."""
    return iso(at).replace("+00:00", "Z")


def phase(view: View) -> str:
    """The phase and the state, or how it ended."""
    if not view["phase"]:
        return f"{view['word']}" if view["word"] != "RUNNING" else f"{view['state'] or 'begins'}"
    return f"{view['phase']}, {view['state'] or 'between two steps'}"


def exposure(view: View) -> str:
    """What is served."""
    shadow = f", shadow {percent(view['shadow_bps'])}" if view["shadow_bps"] else ""
    lease = f", lease until {view['lease_until']}" if view["lease_until"] else ""
    return f"{percent(view['exposure_bps'])} of users by the candidate{shadow}{lease}"


def left(view: View) -> str:
    """How long until the phase can pass, as likely as not and with its bounds; "" without one."""
    bake = view["bake"]
    if bake is None:
        return ""
    asks = f"asks a person in {lasting(bake['asks_in'])}"
    baked = f"baked {lasting(bake['baked'])} of {lasting(bake['seconds'])}"
    found = bake["left"]
    if found is None:
        return f"{baked}; nobody knows how long, no request has come yet; {asks}"
    if found["likely"] <= 0:
        return f"{baked}; certified, passes at the next look; {asks}"
    if found["latest"] - found["soonest"] < 1:
        return f"{baked}; passes in {lasting(found['likely'])} if it stays clean; {asks}"
    bounds = f"{lasting(found['soonest'])} to {lasting(found['latest'])}"
    return f"{baked}; passes in {lasting(found['likely'])} ({bounds}) if it stays clean; {asks}"


def coming(view: View) -> str:
    """The next schedule; "" without one."""
    step = next_step(view)
    return f"{step['name']} at {step['at']}, in {lasting(step['in'])}" if step else ""


def guardrail(rail: Mapping[str, Any]) -> str:
    """One guardrail's counts, bound, limit and what it still needs."""
    rate = f" ({rail['rate']:.2%})" if rail["rate"] is not None else ""
    needed = f", {rail['needed']} clean to go" if rail["needed"] else ", certified"
    return (
        f"{rail['metric']} {rail['events']} of {rail['requests']}{rate}, at most "
        f"{rail['high']:.2%}, limit {rail['limit']:.2%}{needed}"
    )


def asks(view: View) -> list[str]:
    """What is asked, and what to type; nothing when nothing is."""
    question = view["question"]
    if not question:
        return []
    typed = f"rollout approve {view['rollout']} --evidence {question['evidence']} --why '…'"
    return [f"{question['sentence']} by {question['deadline']}", typed]
