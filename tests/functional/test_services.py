"""The orders, a second read path: parameters, a plan, two modules of its own, nothing else."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from rollout.adapters import plan_documents
from rollout.domain import step as steps
from rollout.domain.compare import comparison
from rollout.domain.rules import from_text
from rollout.handlers import read as reading
from rollout.handlers.candidate import candidate
from rollout.handlers.compare import Ports, compare
from tests import fakes
from tests.fakes import FakeCandidate, FakeFlagSource, FakeTee, exposed
from tests.functional.test_deployed import Stack, names
from tests.services.orders import orders_candidate, orders_control
from tests.services.orders.service import COLUMNS, HERE, ORDERS, PARAMETERS, PLAN

EVENTS = sorted(path.stem for path in (HERE / "events").glob("*.json"))
# What tells one stack's evidence, flag and people's dashboards from another's.
IDENTITY = {
    "ControlFunctionName",
    "CandidateFunctionName",
    "CleanupFunctionName",
    "FlagApplicationName",
    "AlarmName",
    "DashboardName",
    "DatabaseSecretName",
    "ServiceName",
}


def sample(name: str) -> Any:
    return json.loads((HERE / "events" / f"{name}.json").read_text(encoding="utf-8"))


def rows() -> dict[str, list[Any]]:
    """Each customer's row, as the driver gives it."""
    by_name = (dict(zip(COLUMNS, row, strict=True)) for row in ORDERS.table.rows())
    return {row["customer"]: [_driven(name, row[name]) for name in COLUMNS] for row in by_name}


def _driven(column: str, value: Any) -> Any:
    if column == "placed_at":
        return datetime.fromisoformat(value)
    if column == "total":
        return Decimal(value).quantize(Decimal("0.0001"))
    return json.loads(value) if column in ("lines", "delivery") else value


@pytest.fixture(scope="module")
def source() -> orders_candidate.OrdersCandidate:
    known = rows()

    class Connection:
        def run(self, text: str, **values: str) -> list[list[Any]]:
            return [known[values["id"]]] if values and values["id"] in known else []

    return orders_candidate.OrdersCandidate(lambda _: Connection())  # type: ignore[arg-type]


# What one request is


def test_every_sample_event_is_used_here() -> None:
    assert set(EVENTS) == {"read.invoke", "candidate.invoke", "compare.shadow", "execution.launch"}


def test_a_read_answers_an_order_with_its_lines_and_amounts_as_text() -> None:
    source, log = FakeFlagSource(exposed(0)), fakes.request_log()
    ports = reading.Ports(source, orders_control.order, FakeCandidate({}), FakeTee(), log)
    answer = reading.read(sample("read.invoke"), "request-1", ports)
    found = json.loads(answer["body"])
    assert answer["statusCode"] == 200
    assert found == orders_control.order("customer-1")
    assert re.fullmatch(r"\d+\.\d\d", found["total"])
    assert all(isinstance(line["gifts"], list) for line in found["lines"])


def test_the_candidate_answers_the_row(source: orders_candidate.OrdersCandidate) -> None:
    answer = candidate(sample("candidate.invoke"), source)
    assert (answer["user"]["number"], answer["error"]) == (700_001, "")
    assert candidate({"userId": "customer-0"}, source) == {"user": None, "error": ""}


def test_all_orders_are_equal_under_the_rules_and_every_rule_is_needed(
    source: orders_candidate.OrdersCandidate,
) -> None:
    texts = plan_documents.load(PLAN)[0].cleaning_rules
    cleaning, matched = tuple(from_text(text) for text in texts), set[int]()
    for customer, row in rows().items():
        control = orders_control.order(customer)
        found = comparison(control, candidate({"userId": customer}, source)["user"], cleaning)
        assert found.differences == (), (customer, row)
        matched |= set(found.matched)
    assert len(matched) == len(texts)


def test_the_sample_of_a_comparison_is_of_this_order_under_this_plan(
    source: orders_candidate.OrdersCandidate,
) -> None:
    event = sample("compare.shadow")
    assert event["control"]["value"] == orders_control.order("customer-1")
    assert tuple(event["rules"]) == plan_documents.load(PLAN)[0].cleaning_rules
    asked = FakeCandidate({"customer-1": source.read("customer-1")})
    found = compare(event, Ports(asked, fakes.request_log(), orders_control.order))
    assert found == {"outcome": "SHADOW-OK", "paths": []}


def test_a_launch_carries_the_plan_of_the_orders() -> None:
    document = sample("execution.launch")
    assert document["plan"] == json.loads(PLAN.read_text(encoding="utf-8"))
    step = steps.parse(document, "2d5f", 1_800_000_000.0)
    assert step.rollout_id == "orders-1"


# The two stacks beside each other


@pytest.fixture(scope="module")
def stacks() -> Iterator[tuple[Stack, Stack]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        yield Stack("huntaze-prisma-skeleton", {}), Stack(ORDERS.stack, dict(PARAMETERS))


def test_a_second_stack_needs_no_parameter_that_the_template_does_not_have(
    stacks: tuple[Stack, Stack],
) -> None:
    assert set(PARAMETERS) <= set(stacks[0].template["Parameters"])
    assert set(PARAMETERS) >= IDENTITY


def test_the_two_stacks_share_no_physical_name(stacks: tuple[Stack, Stack]) -> None:
    users, orders = (names(stack) for stack in stacks)
    assert len(users) == len(orders) > 30
    assert users & orders == set()


def test_no_resource_of_one_stack_mentions_the_other(stacks: tuple[Stack, Stack]) -> None:
    """Policies, settings, alarms, dashboards, rules: all of it, resolved."""
    for own, other in (stacks, stacks[::-1]):
        text = json.dumps([own.resolved(item["Properties"]) for item in own.resources.values()])
        mentioned = {
            str(other.values[name])
            for name in PARAMETERS
            if re.search(rf"(?<![\w-]){re.escape(str(other.values[name]))}(?![\w-])", text)
        }
        # An alias is its function's own, or the machine's, whatever it is called.
        assert mentioned - {own.values["AliasName"], "live"} == set()
        assert other.values["AWS::StackName"] not in text


def test_evidence_is_told_apart_by_service_where_the_namespace_is_shared(
    stacks: tuple[Stack, Stack],
) -> None:
    """The alarm and the judge read metrics by namespace and service; both must not be equal."""
    users, orders = stacks
    for stack in stacks:
        alarm = stack.resolved(stack.resources["ErrorRateAlarm"]["Properties"])
        for metric in (item["MetricStat"]["Metric"] for item in alarm["Metrics"][1:]):
            assert metric["Namespace"] == stack.values["MetricNamespace"]
            told = {item["Name"]: item["Value"] for item in metric["Dimensions"]}
            assert told["service"] == stack.values["ServiceName"]
    assert users.values["ServiceName"] != orders.values["ServiceName"]


def test_each_function_of_the_orders_is_given_the_orders_sources(
    stacks: tuple[Stack, Stack],
) -> None:
    found = {
        name: setting
        for name, resource in stacks[1].resources.items()
        for key, setting in _variables(stacks[1], resource).items()
        if key in ("CONTROL_READ", "CANDIDATE_READ")
    }
    assert found == {
        "ReadFunction": "orders_control:order",
        "CompareFunction": "orders_control:order",
        "CandidateFunction": "orders_candidate:connect",
    }


def _variables(stack: Stack, resource: dict[str, Any]) -> dict[str, Any]:
    known = stack.resolved(resource.get("Properties", {}).get("Environment", {}))
    return dict(known.get("Variables", {})) if isinstance(known, dict) else {}
