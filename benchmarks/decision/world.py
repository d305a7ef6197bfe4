"""What both arms live in: volume, storms, incidents, outages of the telemetry."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.decision.latency import Floats, Latency
from benchmarks.decision.levels import DAY, Level
from ops.local.traffic import INTERVAL_S, Interval, generate

Flags = npt.NDArray[np.bool_]

TRACE_INTERVALS: Final = 14 * DAY * 60 // INTERVAL_S
WOBBLE, WOBBLE_MEMORY = 0.03, 0.8
MOST_ERRORS: Final = 0.95


@dataclass(frozen=True)
class Weather:
    """How rough a family of rollouts is.

    errors: range of the control's error rate. swing: daily rhythm as a part of the mean.
    storms, incidents: expected number in a planned rollout, hitting both arms alike.
    clump: correlation of errors within a minute. late: telemetry begins late in some stages.
    gaps: share of minutes without telemetry. bursty: volume as a load balancer recorded it.
    load_slows: how much more errors and time there are under load. unwatched: storms and incidents
    come at 100 % as well, where no control is left to tell them from harm.
    """

    errors: tuple[float, float] = (0.0005, 0.003)
    swing: float = 0.4
    storms: float = 0.0
    incidents: float = 0.0
    clump: float = 0.001
    late: bool = False
    gaps: float = 0.0
    bursty: bool = False
    load_slows: float = 0.0
    unwatched: bool = False


@dataclass(frozen=True)
class World:
    """Minute by minute, for both arms; `known` is false where the telemetry is out.

    storm: what storms and incidents add to the error rate, and what they multiply times with.
    """

    volume: Floats
    error: Floats
    scale: Floats
    storm: tuple[Floats, Floats]
    known: Flags
    latency: Latency
    base_error: float
    unwatched: bool

    def conditions(self, stretch: slice, weight: float) -> tuple[Floats, Floats]:
        """The control's error rate, and the factor on all times."""
        error, scale = self.error[stretch], self.scale[stretch]
        if weight < 1 or self.unwatched:
            error, scale = error + self.storm[0][stretch], scale * self.storm[1][stretch]
        return error.clip(1e-9, MOST_ERRORS), scale


def make(
    level: Level,
    weather: Weather,
    minutes: int,
    chance: np.random.Generator,
    trace: Sequence[Interval] | None = None,
) -> World:
    """A world of that many minutes; `trace` gives the shape of the volume."""
    shape = _volume(weather, minutes, chance, trace)
    base = math.exp(chance.uniform(math.log(weather.errors[0]), math.log(weather.errors[1])))
    return World(
        volume=level.per_minute * shape,
        error=base * (1 + weather.load_slows * (shape - 1).clip(min=-0.9)),
        scale=_wobble(minutes, chance) * np.maximum(shape, 0.01) ** weather.load_slows,
        storm=_storms(level, weather, minutes, chance),
        known=_known(level, weather, minutes, chance),
        latency=_latency(chance),
        base_error=base,
        unwatched=weather.unwatched,
    )


def _latency(chance: np.random.Generator) -> Latency:
    body = math.exp(chance.uniform(math.log(25), math.log(120)))
    return Latency(
        body_ms=body,
        body_spread=chance.uniform(0.25, 0.5),
        tail_ms=body * chance.uniform(4, 8),
        tail_spread=0.5,
        tail_share=chance.uniform(0.01, 0.035),
    )


def _volume(
    weather: Weather,
    minutes: int,
    chance: np.random.Generator,
    trace: Sequence[Interval] | None,
) -> Floats:
    """The volume as a multiple of its mean."""
    if trace is None and weather.bursty:
        trace = generate(int(chance.integers(2**31)), TRACE_INTERVALS)
    if trace is not None:
        return _recorded(trace, minutes, chance)
    phase = chance.uniform(0, DAY)
    rhythm = 1 + weather.swing * np.sin(2 * np.pi * (np.arange(minutes) + phase) / DAY)
    return np.asarray(rhythm * np.exp(chance.normal(0, 0.1, minutes)))


def _recorded(trace: Sequence[Interval], minutes: int, chance: np.random.Generator) -> Floats:
    """A recorded trace from a random moment on, over and over; nothing arrives in its gaps."""
    ends = np.array([interval.end_s for interval in trace])
    starts = np.array([interval.start_s for interval in trace])
    rates = np.array([interval.requests / interval.length_s for interval in trace])
    period = ends[-1] - starts[0]
    begin = chance.uniform(0, period)
    moments = starts[0] + (begin + 60.0 * np.arange(minutes)) % period
    index = np.searchsorted(starts, moments, side="right") - 1
    counts = np.where(moments < ends[index], rates[index], 0.0)
    mean = float((rates * (ends - starts)).sum() / period)
    return np.asarray(counts / mean)


def _wobble(minutes: int, chance: np.random.Generator) -> Floats:
    """How the speed of everything drifts, around 1."""
    noise = chance.normal(0, WOBBLE * math.sqrt(1 - WOBBLE_MEMORY**2), minutes)
    values, last = np.empty(minutes), 0.0
    for minute in range(minutes):
        last = WOBBLE_MEMORY * last + noise[minute]
        values[minute] = last
    return np.asarray(np.exp(values))


def _storms(
    level: Level, weather: Weather, minutes: int, chance: np.random.Generator
) -> tuple[Floats, Floats]:
    """Extra errors and slowness that come and go, the same for both arms."""
    error, scale = np.zeros(minutes), np.ones(minutes)
    planned = minutes / level.planned
    for _ in range(chance.poisson(weather.storms * planned)):
        stretch = _stretch(minutes, 3, 15, chance)
        error[stretch] += chance.uniform(0.01, 0.10)
        scale[stretch] *= chance.uniform(1.3, 3.0)
    certain = 1 if weather.incidents else 0
    for _ in range(max(certain, chance.poisson(weather.incidents * planned))):
        stretch = _stretch(minutes, 5, 25, chance)
        error[stretch] += chance.uniform(0.10, 0.60)
        scale[stretch] *= chance.uniform(1.5, 4.0)
    return error, scale


def _stretch(minutes: int, least: int, most: int, chance: np.random.Generator) -> slice:
    begin = int(chance.integers(minutes))
    return slice(begin, begin + int(chance.integers(least, most + 1)))


def _known(level: Level, weather: Weather, minutes: int, chance: np.random.Generator) -> Flags:
    known = chance.random(minutes) >= weather.gaps
    if weather.late:
        for begin in range(0, minutes, level.minutes):
            known[begin : begin + int(chance.integers(0, 1 + level.minutes // 2))] = False
    return known
