"""For every test: Hypothesis without chance or clock, and a plan small enough to reason about."""

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from rollout.adapters import plan_documents
from rollout.domain.plan import Plan
from tests.fuzz_counts import (  # noqa: F401  # hooks
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
)

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=50)
# `make fuzz`: more examples, others each time; a failure prints how to repeat it.
settings.register_profile("deep", deadline=None, max_examples=300, print_blob=True)
settings.load_profile("repeatable")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Side by side, the longest first, so that no process is left alone with them at the end."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _turn(item.path))


def _turn(path: Path) -> int:
    """0 for the stories, which take minutes; 1 for what else needs a local stack."""
    if path.parent.name != "local":
        return 2
    return 0 if path.name == "test_stories.py" else 1


_DOCUMENT: dict[str, Any] = {
    "name": "small",
    "phases": [
        {
            "name": "soak",
            "kind": "shadow",
            "exposure_bps": 0,
            "shadow_bps": 10_000,
            "bake_seconds": 60,
            "certify": {"mismatches": 0.01},
        },
        {
            "name": "canary",
            "kind": "canary",
            "exposure_bps": 100,
            "shadow_bps": 3000,
            "bake_seconds": 60,
            "maximum_bake_seconds": 600,
        },
        {
            "name": "half",
            "kind": "ramp",
            "exposure_bps": 5000,
            "shadow_bps": 0,
            "starts_after_seconds": 1000,
            "bake_seconds": 100,
            "maximum_bake_seconds": 1000,
        },
        {
            "name": "full",
            "kind": "ramp",
            "exposure_bps": 10_000,
            "shadow_bps": 0,
            "starts_after_seconds": 2000,
            "bake_seconds": 100,
        },
    ],
    "cleanup": {"starts_after_seconds": 3000},
    "guardrails": {
        "errors": {
            "tolerated": 0.01,
            "certify": 0.02,
            "bands": [
                {"call": "PROMOTE", "from": 0, "to": 0.02},
                {"call": "ROLL_BACK", "from": 0.02, "to": 1},
            ],
        },
        "slow": {
            "tolerated": 0.05,
            "certify": 0.05,
            "bands": [
                {"call": "PROMOTE", "from": 0, "to": 0.05},
                {"call": "HOLD", "from": 0.05, "to": 0.1},
                {"call": "INVESTIGATE", "from": 0.1, "to": 1},
            ],
        },
        "mismatches": {
            "tolerated": 0.005,
            "certify": 0.01,
            "bands": [
                {"call": "PROMOTE", "from": 0, "to": 0.005},
                {"call": "HOLD", "from": 0.005, "to": 0.01},
                {"call": "INVESTIGATE", "from": 0.01, "to": 1},
            ],
        },
        "shadow_failures": {
            "tolerated": 0.02,
            "certify": 0.05,
            "bands": [
                {"call": "PROMOTE", "from": 0, "to": 0.05},
                {"call": "ROLL_BACK", "from": 0.05, "to": 1},
            ],
        },
    },
    "slowness": {"tolerance": 1.15, "absolute_ms": 500, "reference_seconds": 600},
    "judge": {"alpha": 0.01, "beta": 0.05},
    "no_data": {"call": "ROLL_BACK", "expected_requests": 20, "after_seconds": 60},
    "evaluation": {"every_seconds": 30, "settle_seconds": 10, "period_seconds": 10},
    "lease": {"grace_seconds": 50},
    "approval": {"timeout_seconds": 200},
    "comparison": {"rules": [{"path": "updatedAt", "rule": "ignore"}], "noise_sample_bps": 300},
    "cohort": {"salt": "salt-1", "allow_list": ["user-1"]},
}


@pytest.fixture
def document() -> dict[str, Any]:
    """A plan as it is written: phases soak, canary, half and full. A copy, free to be spoilt."""
    return copy.deepcopy(_DOCUMENT)


@pytest.fixture(scope="session")
def plan() -> Plan:
    """The same plan, parsed."""
    return plan_documents.parse(copy.deepcopy(_DOCUMENT))
