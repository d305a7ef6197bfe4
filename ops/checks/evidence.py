"""Who answers, who watches, and whether there is a way back."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ops import rollouts
from ops.checks.check import Answer, failed, passed, unknown
from ops.checks.site import Site
from ops.drilled import drill_of
from ops.executions import executions
from rollout.adapters.clients import client
from rollout.adapters.shadow import Shadow
from rollout.domain import step as steps
from rollout.domain.drill import DRILL, PROVEN
from rollout.domain.observation import Observation

FAILED_SHADOW: Final = "SHADOW-FAILED"
NOBODY: Final = "0" * 16


def alarms(site: Site) -> list[dict[str, Any]]:
    names = [name.strip() for name in site.stack.outputs["AlarmName"].split(",")]
    told = client("cloudwatch").describe_alarms(
        AlarmNames=names, AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    return [*told.get("MetricAlarms", ()), *told.get("CompositeAlarms", ())]


def weigh_alarm_state(found: Sequence[Mapping[str, Any]]) -> Answer:
    if not found:
        return failed("the alarm is missing")
    for alarm in found:
        if alarm["StateValue"] != "OK":
            return failed(f"{alarm['AlarmName']} is {alarm['StateValue']}, it must be OK")
        if not alarm.get("ActionsEnabled", True):
            return failed(f"{alarm['AlarmName']} is OK, but its actions are off: nobody hears it")
    return passed(f"{found[0]['AlarmName']} is OK and can be heard")


def weigh_missing_data(found: Sequence[Mapping[str, Any]]) -> Answer:
    """AppConfig rolls back on INSUFFICIENT_DATA too, so a quiet night must not be one."""
    for alarm in found:
        if "AlarmRule" in alarm:
            continue  # over other alarms: it has no data of its own
        treated = alarm.get("TreatMissingData", "missing")
        if treated != "notBreaching":
            return failed(f"{alarm['AlarmName']} treats missing data as {treated}")
    return passed("missing data are not breaching") if found else failed("the alarm is missing")


def candidate(site: Site) -> dict[str, Any]:
    answer = site.invoke(site.stack.outputs["CandidateAliasArn"], {"userId": site.user})
    return dict(answer) | {"asked": site.user}


def weigh_candidate(answer: Mapping[str, Any]) -> Answer:
    if answer.get("error"):
        said = f" ({answer['message']})" if answer.get("message") else ""
        return failed(f"it answers with {answer['error']}{said}")
    return passed(f"it answered for {answer['asked']}")


def weigh_table(answer: Mapping[str, Any]) -> Answer:
    if answer.get("error"):
        return unknown("the candidate does not answer")
    if not answer.get("user"):
        return failed(f"there is no user {answer['asked']} in the candidate's table")
    return passed(f"{answer['asked']} has {len(answer['user'])} fields")


def comparator(site: Site) -> dict[str, Any]:
    """One comparison of what the candidate answers with itself; it counts as one in the metrics."""
    said = candidate(site)
    shadow = Shadow(site.user, NOBODY, Observation(said.get("user"), duration_ms=1.0))
    alias = site.stack.outputs["ReadAliasArn"].rpartition(":")[2]
    function = f"{site.stack.outputs['CompareFunctionName']}:{alias}"
    return dict(site.invoke(function, shadow.to_json()))


def weigh_comparator(answer: Mapping[str, Any]) -> Answer:
    outcome = str(answer.get("outcome", "nothing"))
    if outcome == "SHADOW-OK":
        return passed("it compared one answer")
    if outcome == FAILED_SHADOW:
        return failed("it answers, but its candidate does not answer it")
    return failed(f"it answered {outcome}")


def drill(site: Site) -> dict[str, Any]:
    """A drill now where that was asked for, else the one of the last launch."""
    if site.drill and site.document is not None:
        given = {"action": steps.LAUNCH, "plan": site.document}
        now = time.time()
        step = steps.parse(given, f"preflight-{now:.0f}", now)
        event = {"action": DRILL, "plan": site.document, "step": step.to_json()}
        function = site.stack.outputs["RollBackFunctionName"]
        return {**site.invoke(function, event), "rollout": "now"}
    last = rollouts.status(site.stack)["rollout"]
    found = drill_of(site.stack, last) if last else {}
    return {**found, "rollout": last, "fresh": _since_deployed(site, last) if found else False}


def _since_deployed(site: Site, rollout_id: str) -> bool:
    """Whether that rollout was launched after the stack was last changed."""
    stack = client("cloudformation").describe_stacks(StackName=site.stack.name)["Stacks"][0]
    changed = stack.get("LastUpdatedTime", stack["CreationTime"]).timestamp()
    launched = executions(site.stack, rollout_id)[-1]["started_at"]
    return bool(launched > changed)


def weigh_drill(found: Mapping[str, Any]) -> Answer:
    word = found.get("word", "")
    if word == PROVEN and (found["rollout"] == "now" or found.get("fresh")):
        when = "just now" if found["rollout"] == "now" else f"by {found['rollout']}"
        return passed(f"drilled {when}, served after {found['seconds']:.1f} s")
    if word and not found.get("fresh", True):
        return unknown(f"{word} in {found['rollout']}, but the stack has changed since")
    if word:
        return failed(str(found.get("reason") or word))
    return unknown("it was never drilled on this stack")
