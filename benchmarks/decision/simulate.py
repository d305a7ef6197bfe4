"""Rollouts in the words of the judges' protocol: a start, then one message a minute."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.decision.effect import Candidate, Effect, joined
from benchmarks.decision.latency import Floats, Latency
from benchmarks.decision.levels import BUCKETS, TENANTS, WEIGHTS, Level
from benchmarks.decision.scenarios import Scenario
from benchmarks.decision.world import Flags, make
from ops.local.traffic import Interval

Ints = npt.NDArray[np.int64]
Message = dict[str, Any]
PARTS: Final = ("control", "candidate", "shadow", "tenants")
# A sandbox that nobody has asked for so many minutes is gone.
IDLE_MINUTES: Final = 5


@dataclass(frozen=True)
class Chunk:
    """Consecutive minutes. bad: answers users got that are bad because of the candidate;
    exposed: requests of users the candidate was to answer; active: its change is there;
    effect: the rates that the counts were drawn from, which no judge is told."""

    messages: list[Message]
    bad: Floats
    exposed: Ints
    active: Flags
    effect: Effect


@dataclass(frozen=True)
class _Arm:
    """Minutes x tenants: requests and errors; minutes x buckets: times."""

    requests: Ints
    errors: Ints
    times: Ints


class Rollout:
    """One simulated rollout; the same arguments give the same messages."""

    def __init__(
        self,
        level: Level,
        scenario: Scenario,
        seed: Sequence[int],
        stretch: int = 1,
        trace: Sequence[Interval] | None = None,
    ) -> None:
        name = f"{level.name}/{scenario.name}/{'-'.join(map(str, seed))}"
        words = zlib.crc32(f"{level.name}/{scenario.name}".encode())
        world, candidate, self._chance = (
            np.random.default_rng(part) for part in np.random.SeedSequence([*seed, words]).spawn(3)
        )
        self.level = level
        self.scenario = scenario
        self.start = level.start(name)
        self._world = make(level, scenario.weather, stretch * level.planned, world, trace)
        self._candidate = Candidate(level, scenario, candidate)

    def chunk(self, stage: int, begin: int, minutes: int) -> Chunk:
        """Those minutes, spent in that stage. Stages are asked for in order."""
        weight = WEIGHTS[stage][1]
        effect = self._candidate.effect(self._world, begin, minutes, weight)
        total = self._chance.poisson(self._world.volume[begin : begin + minutes])
        meant = self._chance.binomial(total, weight)
        silent = effect.active & self.scenario.change.silent
        control = self._control(total - meant, effect)
        candidate = self._answers(np.where(silent, 0, meant), effect)
        shadow = self._shadow(total - meant, silent & self.scenario.onset.in_shadow, effect)
        messages = _messages((control, candidate, shadow), begin, stage)
        for position in np.flatnonzero(~self._world.known[begin : begin + minutes]):
            messages[position].update(dict.fromkeys(PARTS))
        bad = np.where(silent, meant, candidate.requests.sum(axis=1) * effect.excess)
        bad = bad + self._tenant_harm(candidate, effect)
        return Chunk(messages, bad, meant, effect.active, effect)

    def whole(self) -> Chunk:
        """The rollout as planned, every stage its planned minutes."""
        each = self.level.minutes
        parts = [self.chunk(stage, stage * each, each) for stage in range(len(WEIGHTS))]
        return Chunk(
            [message for part in parts for message in part.messages],
            np.concatenate([part.bad for part in parts]),
            np.concatenate([part.exposed for part in parts]),
            np.concatenate([part.active for part in parts]),
            joined([part.effect for part in parts]),
        )

    @property
    def latency(self) -> Latency:
        """How long requests take where nothing is wrong."""
        return self._world.latency

    def _control(self, requests: Ints, effect: Effect) -> _Arm:
        error = self._clumped(effect.control_error)
        by_tenant = self._chance.multinomial(requests, TENANTS)
        errors = self._chance.binomial(by_tenant, error[:, None])
        tail = np.full(len(requests), self.latency.tail_share)
        times = self._times(requests, effect.control_scale, tail)
        return _Arm(by_tenant, errors, times)

    def _answers(self, requests: Ints, effect: Effect) -> _Arm:
        by_tenant = self._chance.multinomial(requests, TENANTS)
        error = np.repeat(self._clumped(effect.error)[:, None], len(TENANTS), axis=1)
        if self.scenario.change.tenant:
            which, rate = self.scenario.change.tenant
            error[:, which] = np.where(effect.active, rate, error[:, which])
        errors = self._chance.binomial(by_tenant, error)
        return _Arm(by_tenant, errors, self._times(requests, effect.scale, effect.tail))

    def _times(self, requests: Ints, scale: Floats, tail: Floats) -> Ints:
        found = np.zeros((len(requests), BUCKETS), dtype=np.int64)
        busy = requests > 0
        if self.scenario.change.cold:
            tail = np.where(_after_idle(busy), 1.0, tail)
        shares = self._world.latency.shares(scale[busy], tail[busy])
        found[busy] = self._chance.multinomial(requests[busy], shares)
        return found

    def _shadow(self, requests: Ints, silent: Flags, effect: Effect) -> Ints:
        """Minutes x (compared, mismatched, failed): what fails is not compared."""
        asked = np.where(silent, 0, requests)
        failed = self._chance.binomial(asked, self._clumped(effect.shadow_error))
        mismatched = self._chance.binomial(asked - failed, effect.mismatch)
        return np.stack([asked, mismatched, failed], axis=1)

    def _clumped(self, rate: Floats) -> Floats:
        """Rates of single minutes, such that errors within a minute are correlated."""
        clump = self.scenario.weather.clump
        if not clump:
            return rate
        weight = 1 / clump - 1
        return np.asarray(self._chance.beta(rate * weight, (1 - rate) * weight))

    def _tenant_harm(self, candidate: _Arm, effect: Effect) -> Floats:
        if not self.scenario.change.tenant:
            return np.zeros(len(effect.error))
        which, rate = self.scenario.change.tenant
        return np.asarray(candidate.requests[:, which] * effect.active * (rate - effect.error))


def _after_idle(busy: Flags) -> Flags:
    """In which minutes a request meets a sandbox that is gone since nothing came for a while."""
    minutes = np.arange(len(busy))
    last = np.maximum.accumulate(np.where(busy, minutes, -IDLE_MINUTES - 1))
    before = np.concatenate([[-IDLE_MINUTES - 1], last[:-1]])
    return np.asarray(minutes - before > IDLE_MINUTES)


def _messages(parts: tuple[_Arm, _Arm, Ints], begin: int, stage: int) -> list[Message]:
    control, candidate, shadow = parts
    name, weight = WEIGHTS[stage]
    rows = np.stack(
        [control.requests, control.errors, candidate.requests, candidate.errors], axis=2
    ).tolist()
    return [
        {
            "type": "minute",
            "t": begin + minute,
            "stage": name,
            "stage_index": stage,
            "weight": weight,
            "stage_minute": minute,
            "control": of_control,
            "candidate": of_candidate,
            "shadow": {"n": compared, "mismatch": mismatched, "err": failed},
            "tenants": tenants,
        }
        for minute, (
            of_control,
            of_candidate,
            (compared, mismatched, failed),
            tenants,
        ) in enumerate(zip(_arm(control), _arm(candidate), shadow.tolist(), rows, strict=True))
    ]


def _arm(arm: _Arm) -> list[Message]:
    requests, errors = arm.requests.sum(axis=1).tolist(), arm.errors.sum(axis=1).tolist()
    minutes, buckets = np.nonzero(arm.times)
    pairs = np.stack([buckets, arm.times[minutes, buckets]], axis=1).tolist()
    ends = np.cumsum(np.bincount(minutes, minlength=len(requests))).tolist()
    return [
        {"n": n, "err": err, "lat": pairs[low:high]}
        for n, err, low, high in zip(requests, errors, [0, *ends[:-1]], ends, strict=True)
    ]
