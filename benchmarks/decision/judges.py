"""Every judge by name."""

from collections.abc import Callable, Mapping
from typing import Final

from benchmarks.decision.judge import Command, Judge, Ours
from benchmarks.decision.rivals.alarms import (
    ALL_ALARMS,
    ARM_ALARM,
    SEED_ALARM,
    SEED_ALARM_5MIN,
    Alarms,
    CodeDeploy,
)
from benchmarks.decision.rivals.argo import Argo
from benchmarks.decision.rivals.calibrated import CALIBRATED, CALIBRATED_EXCESS
from benchmarks.decision.rivals.flagger import Flagger
from benchmarks.decision.rivals.kayenta import Effects, Kayenta
from benchmarks.decision.rivals.ztest import ZTest


def ours() -> Judge:
    """The judge of this repository."""
    return Ours()


OURS: Final = "ours"
JUDGES: Final[Mapping[str, Callable[[], Judge]]] = {
    OURS: ours,
    "argo": Argo,
    "argo-1m": lambda: Argo(interval=1, every=True),
    "argo-nan-passes": lambda: Argo(pass_nan=True),
    "flagger": lambda: Flagger(threshold=10),
    "flagger-5": lambda: Flagger(threshold=5),
    "kayenta": Kayenta,
    "kayenta-3-parts": lambda: Kayenta(parts=3),
    "kayenta-effect": lambda: Kayenta(Effects(errors=2.0, p95=1.30)),
    "alarm": lambda: Alarms([SEED_ALARM]),
    "alarm-5min": lambda: Alarms([SEED_ALARM_5MIN]),
    "alarm-arm": lambda: Alarms([ARM_ALARM]),
    "alarm-all": lambda: Alarms(ALL_ALARMS),
    "alarm-calibrated": lambda: Alarms(CALIBRATED),
    "alarm-calibrated-excess": lambda: Alarms(CALIBRATED_EXCESS),
    "codedeploy": lambda: CodeDeploy([SEED_ALARM]),
    "z-test": ZTest,
}


def build(name: str, command: str | None = None) -> Judge:
    """The judge of that name; any other name is the external command's."""
    if name in JUDGES:
        return JUDGES[name]()
    if command is None:
        raise KeyError(name)
    return Command(command)
