"""What became of an execution, in words: the reason, and which rollout."""

from collections.abc import Mapping
from typing import Any, Final

from rollout.domain.drill import PROVEN

UNKNOWN: Final = "no reason was recorded"
TIMEOUTS: Final = ("States.Timeout", "States.HeartbeatTimeout")


def reason_of(document: Mapping[str, Any]) -> str:
    """Why an execution turned back, from its document: the latest thing that went wrong.

    A person's silence is told as such; otherwise an error beats a lost exposure, that a person's
    answer, that a verdict, that the drill and the preflight; at the very least, the words that
    led here.
    """
    finders = (_silence, _error, _exposure, _approval, _verdict, _drill, _preflight, _words)
    found = (finder(document) for finder in finders)
    return next((reason for reason in found if reason), UNKNOWN)


def rollout_of(document: Any) -> str:
    """The rollout id in an execution's document or input; "" when there is none."""
    if not isinstance(document, Mapping):
        return ""
    step = _part(_part(document, "preflight"), "step")
    found = step.get("rollout_id") or document.get("rollout_id") or ""
    return found if isinstance(found, str) else ""


def drilled(drill: Mapping[str, Any]) -> str:
    """What a drill has shown, in a sentence; "" when it has shown nothing."""
    if drill.get("word") != PROVEN:
        return ""
    return f"a rollback was drilled before the launch: served after {drill['seconds']:.1f} s"


def _part(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return found if isinstance(found, Mapping) else {}


def _silence(document: Mapping[str, Any]) -> str:
    """A timeout after a person was asked, without an approval: the question is what went wrong."""
    verdict, error = _part(document, "verdict"), _part(document, "error")
    asked = verdict.get("word") in ("INVESTIGATE", "STEP_DOWN") and not _part(document, "approval")
    if not asked or error.get("Error") not in TIMEOUTS:
        return ""
    return f"nobody answered in time: {verdict.get('sentence', '')}"


def _error(document: Mapping[str, Any]) -> str:
    error = _part(document, "error")
    if not error:
        return ""
    return f"{error.get('Error', 'unknown error')}: {str(error.get('Cause', ''))[:500]}"


def _exposure(document: Mapping[str, Any]) -> str:
    exposure = _part(document, "exposure")
    return str(exposure.get("reason", "")) if exposure.get("word") == "LOST" else ""


def _approval(document: Mapping[str, Any]) -> str:
    approval = _part(document, "approval")
    if not approval or approval.get("word") == "APPROVED":
        return ""
    return f"not approved by {approval.get('by', 'anybody')}: {approval.get('why', 'no reason')}"


def _verdict(document: Mapping[str, Any]) -> str:
    return str(_part(document, "verdict").get("sentence", ""))


def _drill(document: Mapping[str, Any]) -> str:
    return str(_part(document, "drill").get("reason", ""))


def _preflight(document: Mapping[str, Any]) -> str:
    reasons = _part(document, "preflight").get("reasons")
    return "; ".join(reasons) if isinstance(reasons, list) else ""


def _words(document: Mapping[str, Any]) -> str:
    """What was answered, when the machine did not know a word and went the safe way."""
    found = {part: _part(document, part) for part in ("preflight", "drill", "exposure", "verdict")}
    words = [f"{part} {value['word']!r}" for part, value in found.items() if "word" in value]
    return f"not a word to go on with: {', '.join(words)}" if words else ""
