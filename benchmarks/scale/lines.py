"""How many bytes the real handlers write for a read and for a comparison."""

import io
from contextlib import redirect_stdout
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from benchmarks.stand_ins import Answering, Nobody, flag_source
from ops.costs.lines import PLATFORM_BYTES
from rollout.adapters import users_control
from rollout.adapters.request_log import RequestLog
from rollout.adapters.shadow import Shadow
from rollout.domain.flag import FULL_BPS
from rollout.handlers import compare, read

READS: Final = 200
# As long as those that Lambda gives.
REQUEST_ID: Final = "8f5c1f0e-6d0f-4b5e-9b1c-{:012x}"


@dataclass
class Kept:
    """A tee that keeps what it is given."""

    sent: list[Shadow]

    def send(self, shadow: Shadow) -> str:
        """Keep it."""
        self.sent.append(shadow)
        return ""


@dataclass(frozen=True)
class Bytes:
    """Of one invocation, with the lines START, END and REPORT, whose length is a guess."""

    control: float
    candidate: float
    comparison: float


def measured() -> Bytes:
    """The means over some hundred users."""
    served, shadows = _read(0)
    by_candidate, _ = _read(FULL_BPS)
    return Bytes(
        fmean(served) + PLATFORM_BYTES,
        fmean(by_candidate) + PLATFORM_BYTES,
        fmean(_compared(shadows)) + PLATFORM_BYTES,
    )


def _log() -> RequestLog:
    return RequestLog("Huntaze/ReadPath", "huntaze-read", 60, b"key")


def _read(exposure_bps: int) -> tuple[list[int], list[Shadow]]:
    """(bytes of each read's line, what was teed)."""
    flag = flag_source(candidate_bps=exposure_bps, shadow_bps=FULL_BPS)
    kept = Kept([])
    candidate = Answering() if exposure_bps else Nobody()
    ports = read.Ports(flag, users_control.user, candidate, kept, _log())
    sizes = []
    for number in range(1, READS + 1):
        with redirect_stdout(io.StringIO()) as told:
            event = {"userId": f"{users_control.PREFIX}{number}"}
            assert read.read(event, REQUEST_ID.format(number), ports)["statusCode"] == read.OK
        sizes.append(len(told.getvalue().encode()))
    return sizes, kept.sent


def _compared(shadows: list[Shadow]) -> list[int]:
    ports = compare.Ports(Answering(), _log())
    sizes = []
    for shadow in shadows:
        with redirect_stdout(io.StringIO()) as told:
            assert compare.compare(shadow.to_json(), ports)["outcome"] == "SHADOW-OK"
        sizes.append(len(told.getvalue().encode()))
    return sizes
