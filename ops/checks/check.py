"""A check: look at a stack, weigh what was seen, say what to do. All look at the same time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from ops.checks.site import MissingPartError, Site
from rollout.domain.errors import InvalidInputError

PASS, FAIL, CANNOT_TELL = "pass", "fail", "cannot tell"
THREADS: Final = 8
# Codes with which AWS, or a stack in its place, says that somebody may not look.
FORBIDDEN: Final = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
# Codes for what is not there, as each service says it.
ABSENT: Final = (
    "AWS.SimpleQueueService.NonExistentQueue",
    "NoSuchEntity",
    "NotFound",
    "NotFoundException",
    "QueueDoesNotExist",
    "ResourceNotFound",
    "ResourceNotFoundException",
    "StateMachineDoesNotExist",
)
# Codes for what a local stack has not got.
UNKNOWN: Final = ("UnknownService", "InvalidAction", "UnknownOperationException", "NotImplemented")


@dataclass(frozen=True)
class Answer:
    """word: PASS, FAIL or CANNOT_TELL. text: what was seen, in numbers and names."""

    word: str
    text: str


def passed(text: str) -> Answer:
    """It is as it should be."""
    return Answer(PASS, text)


def failed(text: str) -> Answer:
    """It is not."""
    return Answer(FAIL, text)


def unknown(text: str) -> Answer:
    """Nobody can say from here; the text says why."""
    return Answer(CANNOT_TELL, text)


@dataclass(frozen=True)
class Check:
    """One named check.

    look: asks AWS and returns facts; whatever it raises is "cannot tell", unless it says that
    something is not there. weigh: facts -> Answer,
    pure. remedy: what to do when it does not pass.
    """

    name: str
    look: Callable[[Site], Any]
    weigh: Callable[[Any], Answer]
    remedy: str


@dataclass(frozen=True)
class Found:
    """What a check came to; to_do is "" when it passed."""

    name: str
    word: str
    text: str
    to_do: str

    def to_json(self) -> dict[str, str]:
        """As JSON values."""
        return asdict(self)


def run(checks: Sequence[Check], site: Site) -> list[Found]:
    """All checks, in their order; they look at the same time."""
    with ThreadPoolExecutor(min(THREADS, len(checks))) as pool:
        return list(pool.map(lambda check: _run(check, site), checks))


def _run(check: Check, site: Site) -> Found:
    try:
        answer = check.weigh(check.look(site))
    except (InvalidInputError, MissingPartError) as error:
        answer = failed(str(error))
    except ClientError as error:
        absent = error.response["Error"]["Code"] in ABSENT
        answer = failed(_why(error)) if absent else unknown(_why(error))
    except Exception as error:  # whatever it is, the other checks go on
        answer = unknown(_why(error))
    return Found(check.name, answer.word, answer.text, "" if answer.word == PASS else check.remedy)


def _why(error: Exception) -> str:
    """Why a check could not look, in one line."""
    if isinstance(error, ClientError):
        said = error.response["Error"]
        if said["Code"] in FORBIDDEN:
            return f"you may not call {error.operation_name}"
        if said["Code"] in UNKNOWN or said["Code"].isdigit():
            return f"{error.operation_name} is not known here, as on a local stack"
        return f"{error.operation_name}: {said['Code']}: {said['Message']}"
    return " ".join(f"{type(error).__name__}: {error}".split())


def counted(found: Sequence[Found]) -> dict[str, int]:
    """{"pass", "fail", "cannot tell"} -> how many."""
    return {word: sum(one.word == word for one in found) for word in (PASS, FAIL, CANNOT_TELL)}
