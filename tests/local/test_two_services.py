"""Users and orders at the same time: two stacks of one template, two rollouts, two endings.

The users' candidate fails a fifth of its reads from 25 % on; the orders' is healthy, and somebody
is asked on the way. Neither may see anything of the other's.
"""

import json
import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from ops import rollouts
from ops.local import rehearsal, story, traffic
from ops.local.deploy import physical
from ops.local.load import Load
from ops.local.stack import READERS, LocalStack, found
from ops.local.stories import STORIES
from rollout.adapters import clients
from tests.local.running import rollout, until
from tests.services.orders.service import ORDERS, PLAN

pytestmark = [pytest.mark.local, pytest.mark.stories]
# Two stacks have one machine: each gets about half of what a rehearsal sends.
SPEED = rehearsal.SPEED / 2
WORKERS = 3
CLIENTS = (
    *("appconfig", "appconfigdata", "cloudformation", "cloudwatch", "logs", "scheduler"),
    *("ssm", "stepfunctions", "sts"),
)


@dataclass
class Side:
    """One of the two services, and what was seen of it."""

    stack: LocalStack
    load: Load
    report: dict[str, Any] = field(default_factory=dict)
    rollouts: set[str] = field(default_factory=set)
    scheduled: set[str] = field(default_factory=set)
    alarms: set[str] = field(default_factory=set)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @property
    def rollout(self) -> str:
        """Its rollout's id, which begins with its plan's name."""
        (only,) = self.rollouts
        return only


@dataclass
class Both:
    """Users and orders, after both rollouts have ended."""

    users: Side
    orders: Side

    @property
    def pairs(self) -> tuple[tuple[Side, Side], tuple[Side, Side]]:
        """(own, other), either way round."""
        return (self.users, self.orders), (self.orders, self.users)


@pytest.fixture(scope="module")
def both() -> Iterator[Both]:
    with ExitStack() as running:
        running.enter_context(mock.patch.dict(os.environ))
        first = running.enter_context(LocalStack())
        second = running.enter_context(LocalStack(ORDERS, beside=first))
        sides = [Side(stack, running.enter_context(loaded(stack))) for stack in (first, second)]
        told = Both(*sides)
        for name in CLIENTS:  # two threads must not make one at once
            clients.client(name)
        with ThreadPoolExecutor(2) as pool:
            stories = [
                pool.submit(run, told.users, "errors", rehearsal.DEFAULT_PLAN),
                pool.submit(run, told.orders, "approval-given", PLAN),
            ]
            while not all(one.done() for one in stories):
                for side in sides:
                    look(side)
            for one in stories:
                one.result()
        for side in sides:
            look(side)
            side.load.stop()
            side.lines += lines(side.stack)
        yield told


@contextmanager
def loaded(stack: LocalStack) -> Iterator[Load]:
    """The service's own traffic, for the length of the block."""
    seed = rehearsal.SEED  # the plans' allow-lists are of this seed's busy visitors
    moments = traffic.arrivals(traffic.generate(seed), SPEED, seed)
    load = Load(stack.read, moments, stack.service.visitors(seed), WORKERS)
    load.start()
    try:
        yield load
    finally:
        load.stop()


def run(side: Side, name: str, plan: Path) -> None:
    side.report = story.run(STORIES[name], side.stack, side.load, plan, lambda _: None)


def lines(stack: LocalStack) -> list[str]:
    """Every line of the stack's own log groups."""
    pages = stack.emulator.client("logs").get_paginator("filter_log_events")
    return [
        event["message"]
        for group in stack.log_groups
        for page in pages.paginate(logGroupName=group)
        for event in page["events"]
    ]


def look(side: Side) -> None:
    """What this service shows at this moment, by the stack's own names."""
    stack, emulator = found(side.stack), side.stack.emulator
    side.rollouts |= {rollouts.served(stack).rollout_id} - {""}
    group = stack.outputs["ScheduleGroupName"]
    listed = emulator.client("scheduler").list_schedules(GroupName=group)["Schedules"]
    side.scheduled |= {item["Name"] for item in listed}
    names = stack.outputs["AlarmName"].split(",")[:1]
    (alarm,) = emulator.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    side.alarms.add(alarm["StateValue"])
    side.statuses.append(rollouts.status(stack))


# Each ends as it should, while the other runs


def test_both_rollouts_ran_at_the_same_time(both: Both) -> None:
    """Each was seen to hold its flag while the other held its own."""
    held = zip(both.users.statuses, both.orders.statuses, strict=True)
    assert any(one["holds_flag"] and other["holds_flag"] for one, other in held)


def test_the_failing_candidate_of_the_users_is_rolled_back(both: Both) -> None:
    report = both.users.report
    assert report["as_it_should"], report
    assert (report["outcome"], report["final_exposure_bps"]) == ("ROLLED_BACK", 0)


def test_the_healthy_candidate_of_the_orders_gets_everybody(both: Both) -> None:
    report = both.orders.report
    assert report["as_it_should"], report
    assert (report["outcome"], report["final_exposure_bps"]) == ("COMPLETED", 10_000)


def test_nobody_who_asked_for_a_user_or_an_order_noticed(both: Both) -> None:
    for side in (both.users, both.orders):
        assert side.report["user_errors"] == 0
        assert 0 < side.report["by_candidate"] < side.report["requests"]


def test_the_orders_were_judged_by_their_own_plan(both: Both) -> None:
    phases = {status["phase"] for status in both.orders.statuses}
    assert {"taste", "third", "all"} <= phases
    assert "canary" not in phases


# Neither sees anything of the other's


def test_each_flag_was_held_by_its_own_rollout_alone(both: Both) -> None:
    assert both.users.rollout.startswith("rehearsal-")
    assert both.orders.rollout.startswith("orders-rehearsal-")


def test_each_group_held_the_steps_of_its_own_rollout_alone(both: Both) -> None:
    for side in (both.users, both.orders):
        assert side.scheduled
        assert all(name.startswith(side.rollout) for name in side.scheduled)


def test_only_the_orders_asked_a_person(both: Both) -> None:
    """The parameter that keeps a question is there for a moment; the call that made it is kept."""
    kept = [
        [call["resource"] for call in side.stack.calls() if call["action"] == "ssm:PutParameter"]
        for side in (both.users, both.orders)
    ]
    assert kept[0] == []
    (parameter,) = kept[1]
    assert parameter.endswith(f"/{both.orders.stack.name}/approvals/{both.orders.rollout}")


def test_the_orders_alarm_never_rang(both: Both) -> None:
    assert both.orders.alarms == {"OK"}


def test_status_tells_the_two_apart(both: Both) -> None:
    environment = both.users.stack.emulator.environment()
    for own, other in both.pairs:
        code, out, err = rollout("status", "--stack", own.stack.name, "--json", **environment)
        assert code == 0, err
        told = json.loads(out.splitlines()[-1])
        assert (told["stack"], told["rollout"]) == (own.stack.name, own.rollout)
        assert not names(out, other.rollout)
        text = rollout("status", "--stack", own.stack.name, **environment)[1]
        assert names(text, own.rollout)
        assert not names(text, other.rollout)


def test_judged_again_each_rollout_ends_as_it_did(both: Both) -> None:
    """By the plan that it followed: the users' at its rollback, the orders' never."""
    environment = both.users.stack.emulator.environment()
    words = [replayed(side, environment) for side in (both.users, both.orders)]
    assert (words[0][-1], "ROLL_BACK" in words[1]) == ("ROLL_BACK", False), words
    assert "PROMOTE" in words[1]


def replayed(side: Side, environment: dict[str, str]) -> list[str]:
    """The words of a replay, first to last."""
    command = ("replay", "--rollout", side.rollout, "--stack", side.stack.name, "--json")
    code, out, err = rollout(*command, **environment)
    assert code == 0, err
    (own,) = json.loads(out.splitlines()[-1])["replays"]
    return [str(turn["word"]) for turn in own["turns"]]


def names(text: str, word: str) -> bool:
    """Whether the word is there by itself: one rollout's id may be the end of the other's."""
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None


def test_each_service_counts_exactly_its_own_reads(both: Both) -> None:
    """A read more or less would be one that the other service counted."""
    for side in (both.users, both.orders):
        sent = side.load.snapshot().requests + READERS  # those that woke the sandboxes
        until(lambda side=side, sent=sent: counted(side) == sent, f"{sent}, not {counted(side)}")


def counted(side: Side) -> float:
    """The requests of both arms in CloudWatch."""
    outputs = side.stack.outputs
    queries = [
        {
            "Id": arm,
            "MetricStat": {
                "Stat": "Sum",
                "Period": 3600,
                "Metric": {
                    "Namespace": outputs["MetricNamespace"],
                    "MetricName": "Requests",
                    "Dimensions": [
                        {"Name": "service", "Value": outputs["ServiceName"]},
                        {"Name": "arm", "Value": arm},
                    ],
                },
            },
        }
        for arm in ("control", "candidate")
    ]
    end = time.time() + 3600
    answer = side.stack.emulator.client("cloudwatch").get_metric_data(
        MetricDataQueries=queries, StartTime=end - 4 * 3600, EndTime=end
    )
    return float(sum(sum(result["Values"]) for result in answer["MetricDataResults"]))


def test_no_log_group_has_a_line_of_the_others_rollout(both: Both) -> None:
    for own, other in both.pairs:
        assert len(own.stack.log_groups) > 10
        assert not set(own.stack.log_groups) & set(other.stack.log_groups)
        assert any(own.rollout in line for line in own.lines)
        for word in (other.rollout, other.stack.name):
            assert [line for line in own.lines if names(line, word)] == []


def test_no_role_of_one_stack_called_anything_of_the_other(both: Both) -> None:
    for own, other in both.pairs:
        calls = own.stack.calls()
        assert len(calls) > 30
        assert [call for call in calls if call["refused"]] == []
        foreign = {part(name) for name in physical(other.stack.emulator, other.stack.name).values()}
        # A deployment, a version or a stage is known by a short name, which says nothing by itself.
        named = {name for name in foreign if len(name) > 6 and name != "$default"}
        assert len(named) > 60
        assert [c for c in calls if any(name in c["resource"] for name in named)] == []


def part(physical_id: str) -> str:
    """What of a physical id stands in the ARN of a call: all of it, or its end."""
    return physical_id.rsplit("/", 1)[-1] if physical_id.startswith("arn:") else physical_id
