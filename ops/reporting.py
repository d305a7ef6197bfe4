"""Writes the report of a rollout: asks AWS for all that it says, once."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ops import mismatching, rollouts, touching
from ops.deployed import Stack
from ops.records.record import record
from ops.reports.content import content
from ops.reports.links import links
from ops.reports.pages import written
from rollout.adapters.clients import client
from rollout.adapters.metrics import MetricsUnavailableError
from rollout.domain.errors import InvalidInputError


@dataclass(frozen=True)
class Report:
    """rollout, outcome: of which, and how it ended. text: in the form asked for."""

    rollout: str
    outcome: str
    text: str


def report(stack: Stack, rollout_id: str, form: str, users: int | None = None) -> Report:
    """The report of a rollout ("" for the one that holds the flag, or the last).

    form: one of `ops.reports.FORMATS`. users: how many there are, where somebody knows. Raises
    RolloutError for a rollout nobody knows.
    """
    found = record(stack, rollout_id)
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    further = links(found, stack.outputs, endpoint)
    said = content(found, _mismatches(stack, found), further, touching.touched(stack, found), users)
    return Report(found["rollout"], said["outcome"], written(form, said, found, _machine(stack)))


def _machine(stack: Stack) -> dict[str, Any]:
    """The definition as it is deployed."""
    answer = client("stepfunctions").describe_state_machine(stateMachineArn=stack.machine_arn)
    return dict(json.loads(answer["definition"]))


def _mismatches(stack: Stack, found: dict[str, Any]) -> dict[str, Any]:
    """Why answers differ; where that cannot be told, the rest of the report still can."""
    try:
        return mismatching.mismatches(stack, found["rollout"])
    except (rollouts.RolloutError, MetricsUnavailableError, ClientError, BotoCoreError) as error:
        return {"unavailable": str(error)}


def write(text: str, file: Path) -> Path:
    """Write a report, with the folders that are missing. Raises InvalidInputError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(
            field="--out", value=str(file), expected=f"a file that can be written ({error})"
        ) from None
    return file
