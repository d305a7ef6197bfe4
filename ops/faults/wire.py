"""boto3 clients whose calls an account in memory answers.

Requests are still checked and errors still made by botocore, from the service models.
"""

from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import boto3
from botocore import xform_name
from botocore.config import Config

from rollout.adapters.clients import naming_throttled

_boto3: Any = boto3  # its optional type stubs cannot follow a service's name in a variable
Answer = Callable[[str, str, dict[str, Any]], dict[str, Any]]
_answering: list[Answer] = []


class RefusedError(Exception):
    """An error answer: its code and message."""


def connect(answer: Answer) -> None:
    """From now on `answer` is asked: (service, operation_in_snake_case, parameters)."""
    _answering[:] = [answer]


@cache
def client(service: str) -> Any:
    """One for all accounts, because making one is slow."""
    # A user agent of one's own is not put together anew for every call.
    return naming_throttled(session().client(service, config=Config(user_agent="faults")))


@cache
def session() -> Any:
    """The session whose clients ask nobody else. One for all, because making one is slow."""
    # What is signed with these never leaves the process.
    made = _boto3.Session(
        aws_access_key_id="a",
        aws_secret_access_key="b",  # nosec B106
        region_name="us-east-1",
    )
    made.events.register("before-parameter-build", _note)
    made.events.register("before-call", _reply)
    return made


def _note(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["given"] = dict(params)


def _reply(model: Any, context: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
    service, operation = model.service_model.service_name, xform_name(model.name)
    try:
        return SimpleNamespace(status_code=200), _answering[0](service, operation, context["given"])
    except RefusedError as error:
        code, message = error.args
        refusal = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {}}
        return SimpleNamespace(status_code=400), refusal
