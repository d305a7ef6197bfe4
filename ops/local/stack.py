"""A local stack: emulator, PostgreSQL, the real template, and what the emulator lacks."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ops import deployed
from ops.local import calls, control_noise, people
from ops.local.alarms import AlarmEvaluator, read_definition
from ops.local.control_noise import ControlNoise, switch_of
from ops.local.database import Database
from ops.local.deploy import deploy, physical
from ops.local.emf import Forwarder
from ops.local.emulator import Emulator
from ops.local.load import Reply
from ops.local.service import USERS, Service
from rollout.adapters import clients
from rollout.adapters.shadow import Shadow
from rollout.domain.observation import Observation
from rollout.handlers.read import ARM_HEADER

ROOT: Final = Path(__file__).parents[2]
# Every sandbox of the emulator is a process on this machine: as many as two cores can feed.
READERS: Final = 4
COMPARATORS: Final = 2
# What is faster here than on AWS, and nothing else: polls, bake, metric resolution, and budgets
# that leave room for an emulator that answers in tens of milliseconds.
PARAMETERS: Final = {
    "FlagPollSeconds": 1,
    "RampBakeMinutes": 0,
    "MetricResolutionSeconds": 1,
    "CandidateBudgetMs": 5000,
    "ShadowDeadlineMs": 5000,
    "CompareConcurrency": COMPARATORS,
}
ALARM_PERIOD_SECONDS: Final = 5


class LocalStack:
    """A running stack for the length of a `with` block; nothing of it outlives the block.

    service: what it serves. beside: a stack that runs, whose emulator, and nothing else, is shared.
    people: the URL of the queue that is told what people would be.
    """

    def __init__(self, service: Service = USERS, beside: "LocalStack | None" = None) -> None:
        self.service, self.name = service, service.stack
        self._beside = beside
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        """Start everything; about ten seconds. Raises what its parts raise, and cleans up."""
        with ExitStack() as starting:
            self.emulator: Emulator = (
                self._beside.emulator if self._beside else starting.enter_context(Emulator())
            )
            self.database = starting.enter_context(Database(self.service.table))
            own = {**PARAMETERS, **self.service.parameters, "DatabaseUrl": self.database.url}
            self.outputs = deploy(self.emulator, self.name, own, ROOT, self._added())
            topic = self.outputs["TopicArn"]
            self.people = people.listening(self.emulator, topic, f"{self.name}-people")
            starting.enter_context(Forwarder(self.emulator, self.log_groups))
            starting.enter_context(self._alarm())
            self._cleanup = starting.pop_all()
        if self._beside is None:
            self._enter_environment()
        self._warm()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cleanup.close()
        if self._beside is None:
            clients.client.cache_clear()

    @property
    def control_noise(self) -> ControlNoise:
        """Lets the control's answers vary."""
        return ControlNoise(switch_of(self.emulator.log, self.name))

    def read(self, user_id: str) -> Reply:
        """One user's read, through the alias, as the API would make it."""
        payload = json.dumps({"userId": user_id})
        try:
            answer = self.emulator.client("lambda").invoke(
                FunctionName=self.outputs["ReadAliasArn"], Payload=payload
            )
            body = json.loads(answer["Payload"].read())
        except (ClientError, BotoCoreError, ValueError):
            return Reply(599, "none")
        if "FunctionError" in answer or not isinstance(body, dict):
            return Reply(599, "none")
        return Reply(body["statusCode"], body["headers"][ARM_HEADER])

    def calls(self) -> list[dict[str, Any]]:
        """Each call that a role of the template has made: role, action, resource, refused."""
        names = {found: name for name, found in physical(self.emulator, self.name).items()}
        return calls.by_resource(self.emulator.calls(), names)

    @property
    def log_groups(self) -> list[str]:
        """The names of this stack's own log groups."""
        found = self.emulator.client("cloudformation").describe_stack_resources(StackName=self.name)
        return [
            item["PhysicalResourceId"]
            for item in found["StackResources"]
            if item["ResourceType"] == "AWS::Logs::LogGroup"
        ]

    def _added(self) -> dict[str, bytes]:
        """What is deployed beside or in place of the files in functions/: path -> content."""
        switch = switch_of(self.emulator.log, self.name)
        own = {path: file.read_bytes() for path, file in self.service.files.items()}
        return {**control_noise.deployed(ROOT / "functions", switch), **own}

    def _alarm(self) -> AlarmEvaluator:
        """The template's alarm, on periods of seconds."""
        definition = read_definition(ROOT / "template.yaml", self.outputs)
        short = replace(definition, period_seconds=ALARM_PERIOD_SECONDS)
        return AlarmEvaluator(self.emulator, self.outputs["AlarmName"], short)

    def _warm(self) -> None:
        """Start the sandboxes before there is traffic, or a burst starts more than it needs."""
        invoke = self.emulator.client("lambda").invoke
        someone = next(self.service.visitors(0))
        read = json.dumps({"userId": someone})
        compare = json.dumps(Shadow(someone, "warm", Observation()).to_json())
        calls = [
            *[("ReadAliasArn", read)] * READERS,
            *[("CandidateAliasArn", read)] * (READERS + COMPARATORS),
        ]
        with ThreadPoolExecutor(len(calls)) as pool:
            for started in [
                pool.submit(invoke, FunctionName=self.outputs[name], Payload=payload)
                for name, payload in calls
            ]:
                started.result()
            alias = self.outputs["ReadAliasArn"].rsplit(":", 1)[-1]
            compared = f"{self.outputs['CompareFunctionName']}:{alias}"
            for _ in range(COMPARATORS):
                pool.submit(invoke, FunctionName=compared, Payload=compare)

    def _enter_environment(self) -> None:
        """Point this process's own boto3 clients, those of `ops` and the adapters, at the stack."""
        os.environ.update(self.emulator.environment())
        # boto3's own session keeps the credentials that it has found first: those of another stack.
        boto3.setup_default_session()
        for made in (clients.client, clients.brief_client, clients.quick_client):
            made.cache_clear()


def found(stack: LocalStack) -> deployed.Stack:
    """The stack as the CLI sees it."""
    return deployed.Stack(stack.name, dict(stack.outputs))
