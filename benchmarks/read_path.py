"""python -m benchmarks.read_path: what a control read costs more than the bare read.

Processor: flag, cohort and line, against the bare read and against the same facts told by
Powertools' Logger and Metrics. Waiting: the shadow of a 5 ms candidate, against the control's read
with a tee by itself, and against the comparison that `laboratory`, a port of Scientist, makes
within the request.
"""

import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any

import click
import laboratory
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import (
    AmazonCloudWatchEMFProvider,
)

from benchmarks.stand_ins import (
    CANDIDATE_MS,
    Nobody,
    flag_source,
    function_server,
    lambda_client,
    queueing,
)
from benchmarks.timing import call_medians_us, medians_us, output_discarded, quartiles, tell
from rollout.adapters import users_control
from rollout.adapters.afterwards import Afterwards
from rollout.adapters.request_log import RequestLog
from rollout.adapters.shadow import LambdaTee, Shadow
from rollout.domain.observation import Observation
from rollout.domain.request import user_id_of
from rollout.handlers.read import Ports, read

USERS = users_control.USERS
CALLS_A_ROUND = 20
EVENTS = [{"userId": f"user-{number}"} for number in range(1, USERS + 1)]


class PowertoolsLog(RequestLog):
    """The same facts and metrics, by Powertools: a log record, and a metrics record."""

    def __init__(self) -> None:
        super().__init__("Bench/ReadPath", "read", 60, b"key")
        logger = Logger(service="read", stream=sys.stdout)
        metrics = Metrics(namespace="Bench/ReadPath", service="read")
        self.__dict__.update(logger=logger, metrics=metrics)

    def write(
        self,
        arm: str,
        units: dict[str, str],
        metrics: dict[str, float],
        facts: dict[str, Any],
        tenant: str = "",
    ) -> None:
        assert not tenant, "no tenant is counted here"
        known = self.__dict__
        known["logger"].info("read.served", extra=facts)
        told: AmazonCloudWatchEMFProvider = known["metrics"]
        told.add_dimension(name="arm", value=arm)
        for name, unit in units.items():
            told.add_metric(name=name, unit=MetricUnit(unit), value=metrics[name])
        told.flush_metrics()


def bare(number: int) -> dict[str, Any]:
    """The function before there was any rollout."""
    user = users_control.user(user_id_of(EVENTS[number % USERS]))
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(user),
    }


def ours(ports: Ports) -> Callable[[int], Any]:
    return lambda number: read(EVENTS[number % USERS], f"request-{number}", ports)


def ports(log: RequestLog, tee: Any, shadow_bps: int) -> Ports:
    source = flag_source(candidate_bps=0, shadow_bps=shadow_bps)
    return Ports(source, users_control.user, Nobody(), tee, log)


def processor(rounds: int) -> dict[str, Any]:
    """Microseconds of processor per read, output included, tee excluded."""
    with output_discarded():
        log = RequestLog("Bench/ReadPath", "read", 60, b"key")
        calls = {
            "bare": bare,
            "ours": ours(ports(log, Nobody(), 0)),
            "powertools": ours(ports(PowertoolsLog(), Nobody(), 0)),
        }
        found = medians_us(calls, rounds=rounds, calls_a_round=1000)
    added, rival = found["ours"] - found["bare"], found["powertools"] - found["bare"]
    return {
        "bare_us": round(found["bare"], 1),
        "added_us": round(added, 1),
        "powertools_added_us": round(rival, 1),
        "added_over_powertools": round(added / rival, 3),
    }


def waiting(rounds: int) -> dict[str, Any]:
    """Milliseconds a user waits: the tee is a real call to a server on this machine.

    The baseline is the control's read and a tee by itself: as the boto3 client's `invoke`, which is
    what a team would write, and by our own transport.
    """
    with function_server() as url, function_server() as other, output_discarded():
        tee = LambdaTee(queueing(url), "compare")
        log = RequestLog("Bench/ReadPath", "read", 60, b"key")
        shadow = Shadow("user-1", "0" * 16, Observation(users_control.user("user-1"), "", 0.01))
        calls = {
            "control": bare,
            "client_tee": client_tee(lambda_client(other), shadow),
            "own_tee": lambda _: tee.send(shadow),
            "ours": ours(ports(log, tee, 10_000)),
            "laboratory": in_process,
        }
        timed = call_medians_us(calls, rounds=rounds, calls_a_round=CALLS_A_ROUND)
        timed["afterwards"] = [
            afterwards_us(ports(log, tee, 10_000), CALLS_A_ROUND) for _ in range(rounds)
        ]
    return waited(timed)


def waited(timed: dict[str, list[float]]) -> dict[str, Any]:
    """Medians over the rounds; of each ratio, which is one round's, also the quartiles."""
    rounds = [dict(zip(timed, values, strict=True)) for values in zip(*timed.values(), strict=True)]
    ratios = {
        "ours_over_control_and_client_tee": [
            one["ours"] / (one["control"] + one["client_tee"]) for one in rounds
        ],
        "ours_over_control_and_own_tee": [
            one["ours"] / (one["control"] + one["own_tee"]) for one in rounds
        ],
        "laboratory_added_over_ours": [
            (one["laboratory"] - one["control"]) / (one["ours"] - one["control"]) for one in rounds
        ],
        "laboratory_added_over_ours_afterwards": [
            (one["laboratory"] - one["control"]) / (one["afterwards"] - one["control"])
            for one in rounds
        ],
    }
    found: dict[str, Any] = {
        f"{name}_ms": round(median(values) / 1000, 3) for name, values in timed.items()
    }
    for name, values in ratios.items():
        found[name], found[f"{name}_quartiles"] = round(median(values), 3), quartiles(values)
    return found


def client_tee(client: Any, shadow: Shadow) -> Callable[[int], Any]:
    """The tee that a team would write: one call of the client, asynchronous."""
    return lambda _: client.invoke(
        FunctionName="compare", InvocationType="Event", Payload=json.dumps(shadow.to_json())
    )


def afterwards_us(own: Ports, reads: int) -> float:
    """Microseconds until the answer, the median, when the tee follows it (TEE_AFTER_ANSWER).

    The next read waits until the tee is done, as a sandbox does.
    """
    invoked, after = threading.Semaphore(0), Afterwards()
    own = replace(own, later=after.later)
    threading.Thread(target=after.run, args=(invoked.acquire,), daemon=True).start()
    found, idle = list[float](), threading.Event()
    for number in range(reads):
        idle.clear()
        begun = time.perf_counter_ns()
        read(EVENTS[number % USERS], f"request-{number}", own)
        after.later(idle.set)
        after.answered()
        found.append((time.perf_counter_ns() - begun) / 1000)
        invoked.release()
        idle.wait()
    return median(found)


def in_process(number: int) -> Any:
    experiment = laboratory.Experiment()
    experiment.control(bare, args=[number])
    experiment.candidate(_late, args=[number])
    return experiment.conduct()


def _late(number: int) -> dict[str, Any]:
    time.sleep(CANDIDATE_MS / 1000)
    return bare(number)


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=60, show_default=True)
def main(rounds: int) -> None:
    """Measure the read path; one JSON line."""
    tell("read_path", {**processor(rounds), **waiting(rounds)})


if __name__ == "__main__":
    main()
