"""The scenarios on moto's interpreter, whose tasks invoke functions and wait for real tokens.

It reads no mocks: the functions stand in for Lambda behind its own client. Waits and pauses are
cut, and what it would parse anew for each execution is kept. All of that are moto's own modules, so
its version is pinned.
"""

import io
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import EvalTimeoutError
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import json_path

from tests.scenarios import SCENARIOS
from tests.scenarios.mocks import MACHINE, calls_of
from tests.scenarios.runs import FUNCTIONS, INPUT, Run, definition
from tests.scenarios.service import ended
from tests.scenarios.visits import STATES, TIMED_OUT, Failed

REGION: Final = "us-east-1"
ROLE: Final = "arn:aws:iam::123456789012:role/playbook"
ANSWERED: Final = {"HTTPStatusCode": 429, "RequestId": "one"}
TASKS: Final = {
    "".join(name.split()): name for name, state in STATES.items() if state["Type"] == "Task"
}


def run_all() -> dict[str, Run]:
    """Every scenario at once."""
    functions = Functions()
    with playbook(functions) as (client, machine):
        arns = {
            name: client.start_execution(
                stateMachineArn=machine, name=name, input=json.dumps(INPUT)
            )["executionArn"]
            for name in SCENARIOS
        }

        def people(running: set[str]) -> None:
            # moto looks for a token in every execution, and one that just begins has no place for
            # it yet. So nobody answers before whoever still runs has asked.
            if running <= functions.asked.keys():
                for name in running - functions.silent:
                    token, answer = functions.asked.pop(name)
                    client.send_task_success(taskToken=token, output=json.dumps(answer.returned))

        return ended(client, arns, people)


@contextmanager
def playbook(functions: "Functions") -> Iterator[tuple[Any, str]]:
    """(client of Step Functions, ARN of the playbook), while moto has these functions."""
    with ExitStack() as stack:
        enter = stack.enter_context
        enter(mock_aws(config={"stepfunctions": {"execute_state_machine": True}}))
        enter(patch.object(lambda_eval_utils, "boto_client_for", lambda **_: functions))
        enter(patch.object(retrier_decl, "time", SimpleNamespace(sleep=lambda _: None)))
        enter(patch.object(WaitFunction, "_wait_interval", lambda *_, **__: None))
        for owner in (AmazonStateLanguageParser, json_path):
            enter(patch.object(owner, "parse", cache(owner.parse)))
        client: Any = boto3.client("stepfunctions", region_name=REGION)
        machine = client.create_state_machine(name=MACHINE, definition=definition(), roleArn=ROLE)
        yield client, machine["stateMachineArn"]


class Functions:
    """A Lambda client to which each task is a function that answers what the table says.

    asked: who waits for a person, by scenario: (token, answer). silent: where nobody answers.
    """

    def __init__(self) -> None:
        self._calls = {
            name: {state: iter(calls) for state, calls in calls_of(way).items()}
            for name, way in SCENARIOS.items()
        }
        self.asked: dict[str, tuple[str, Any]] = {}
        self.silent = {
            name
            for name, way in SCENARIOS.items()
            if TIMED_OUT in calls_of(way).get("Ask a Person", ())
        }

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        state, payload = TASKS[FunctionName.removeprefix(FUNCTIONS)], json.loads(Payload)
        name = _execution(payload)
        call = next(self._calls[name][state])
        if "task_token" in payload and (call is TIMED_OUT or not isinstance(call, Failed)):
            self.asked[name] = payload["task_token"], call
            return _answer({})
        if isinstance(call, Failed):
            return _failed(call)
        return _answer({**call.returned, **self._told(name, call.returned)})

    def _told(self, name: str, answer: dict[str, Any]) -> dict[str, Any]:
        """What an answer says of the scenario: who it is in later calls, how long it is asked."""
        step = {"step": {"rollout": name}} if "step" in answer else {}
        asked = "approval_seconds" in answer and name in self.silent
        return {**step, **({"approval_seconds": 1} if asked else {})}


def _failed(call: Failed) -> dict[str, Any]:
    if call is TIMED_OUT:
        raise EvalTimeoutError
    service, _, code = call.error.partition(".")
    if not code:
        error = {"errorType": call.error, "errorMessage": call.cause}
        return {**_answer(error), "FunctionError": "Unhandled"}
    assert service == "Lambda", call
    found = {"Error": {"Code": code, "Message": call.cause}}
    raise ClientError({**found, "ResponseMetadata": ANSWERED}, "Invoke")


def _execution(payload: dict[str, Any]) -> str:
    """The scenario's name, by what a function of the playbook is given."""
    if "execution_name" in payload:
        return str(payload["execution_name"])
    if "execution_arn" in payload:
        return str(payload["execution_arn"]).rpartition(":")[2]
    return str(payload["step"]["rollout"])


def _answer(value: dict[str, Any]) -> dict[str, Any]:
    return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(value).encode())}
