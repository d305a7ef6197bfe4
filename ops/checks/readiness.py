"""Twelve tests of a stack that was just deployed: each does or reads what it is about."""

import json
from collections.abc import Mapping
from typing import Any, Final

from ops import rollouts
from ops.checks import evidence, flags, parts, reads
from ops.checks.check import FAIL, Answer, Check, failed, passed, unknown
from ops.checks.parts import some
from ops.checks.preflight import DEPLOY
from ops.checks.site import Site
from ops.plans.alarm import Alarm, of_deployed
from rollout.adapters.clients import client
from rollout.domain.cohort import CANDIDATE
from rollout.domain.flag import Flag, parse_document


def flag(site: Site) -> Flag:
    """The flag as a reader that starts now gets it; raises for one that is malformed."""
    return rollouts.served(site.stack)


def weigh_flag(found: Flag) -> Answer:
    state = "enabled" if found.enabled else "disabled"
    return passed(f"{state}, {found.candidate_bps / 100:g} % in its document")


def alarm(site: Site) -> tuple[list[dict[str, Any]], Alarm | None, bool]:
    """(the alarms as told, the one on a metric as understood, whether AppConfig watches any)."""
    told = evidence.alarms(site)
    environment = client("appconfig").get_environment(
        ApplicationId=site.stack.outputs["FlagApplicationId"],
        EnvironmentId=site.stack.outputs["FlagEnvironmentId"],
    )
    watched = {monitor["AlarmArn"] for monitor in environment.get("Monitors", ())}
    arns = {one.get("AlarmArn") for one in told}
    understood = next(filter(None, map(of_deployed, told)), None)
    return told, understood, bool(watched & arns)


def weigh_alarm(found: tuple[list[dict[str, Any]], Alarm | None, bool]) -> Answer:
    told, understood, watched = found
    if not told:
        return failed("there is no alarm")
    missing_data = evidence.weigh_missing_data(told)
    if missing_data.word == FAIL:
        return missing_data
    # The one over the others has the actions, and AppConfig watches that one.
    if not any(one.get("AlarmActions") for one in told):
        return failed("the alarm tells nobody: it has no action")
    if not watched:
        return failed("AppConfig does not watch the alarm")
    if understood is None:
        return unknown("it watches another metric than the template's, as on a local stack")
    if understood.arm != CANDIDATE:
        return failed("the alarm watches all reads, not the candidate's")
    return passed(f"above {understood.threshold:g} % of the candidate's, watched by AppConfig")


def aliases(site: Site) -> dict[str, str]:
    """Alias, as function:alias -> the version it points at."""
    found = {}
    for name in flags.aliases(site):
        function, _, alias = name.partition(":")
        told = client("lambda").get_alias(FunctionName=function, Name=alias)
        found[name] = str(told["FunctionVersion"])
    return found


def weigh_aliases(found: Mapping[str, str]) -> Answer:
    loose = [name for name, version in found.items() if version == "$LATEST"]
    if loose:
        return failed(f"{some(loose)} points at $LATEST, which changes under it")
    return passed(", ".join(f"{name} is version {version}" for name, version in found.items()))


def application(site: Site) -> tuple[str, str, str]:
    """(application, environment, profile) by name; raises for one that is missing."""
    api, known = client("appconfig"), site.stack.outputs
    ids = {"ApplicationId": known["FlagApplicationId"]}
    return (
        str(api.get_application(**ids)["Name"]),
        str(api.get_environment(**ids, EnvironmentId=known["FlagEnvironmentId"])["Name"]),
        str(
            api.get_configuration_profile(**ids, ConfigurationProfileId=known["FlagProfileId"])[
                "Name"
            ]
        ),
    )


def weigh_application(names: tuple[str, str, str]) -> Answer:
    return passed(", ".join(names)) if all(names) else failed("a part of it has no name")


def tracing(site: Site) -> dict[str, str]:
    """Function of the read path -> Active or PassThrough."""
    found = {}
    for output in ("ReadFunctionName", "CandidateFunctionName"):
        name = site.stack.outputs[output]
        told = client("lambda").get_function_configuration(FunctionName=name)
        found[name] = str(told.get("TracingConfig", {}).get("Mode", "PassThrough"))
    return found


def weigh_tracing(found: Mapping[str, str]) -> Answer:
    on = [name for name, mode in found.items() if mode == "Active"]
    if len(on) == len(found):
        return passed(f"{some(on)} are traced")
    if on:
        return failed(f"only {some(on)} is traced: half a trace")
    return unknown("not switched on: the stack has no TracingLayerArn")


def weigh_both(answer: Mapping[str, Any]) -> Answer:
    """The candidate's function is there, and answers."""
    return evidence.weigh_candidate(answer)


def releases(site: Site) -> tuple[list[str], tuple[list[str], list[str]]]:
    """(the stack's CodeDeploy applications, what of the aliases splits traffic)."""
    return list(site.of_type("AWS::CodeDeploy::Application").values()), flags.weighted(site)


def weigh_releases(found: tuple[list[str], tuple[list[str], list[str]]]) -> Answer:
    applications, split = found
    weighed = flags.weigh_weighted(split)
    if weighed.word != passed("").word:
        return weighed
    if applications:
        return passed(f"{some(applications)}, and no release is shifting an alias")
    return passed("no CodeDeploy application: the flag moves users, and no release an alias")


def first_document(site: Site) -> tuple[Flag, Flag]:
    """(the flag that the template deploys first, the flag that is deployed)."""
    told = client("appconfig").get_hosted_configuration_version(
        ApplicationId=site.stack.outputs["FlagApplicationId"],
        ConfigurationProfileId=site.stack.outputs["FlagProfileId"],
        VersionNumber=1,
    )
    first = parse_document(json.loads(told["Content"].read()), site.stack.outputs["FlagName"])
    return first, flags.deployed(site)


def weigh_first(found: tuple[Flag, Flag]) -> Answer:
    first, now = found
    if first.enabled or first.candidate_bps:
        return failed("the template's flag exposes users as soon as it is deployed")
    if now.enabled and not now.rollout_id:
        return failed(f"{now.candidate_bps / 100:g} % are exposed, and no rollout did it")
    return passed("disabled from the template on; only a rollout opens it")


CHECKS: Final = (
    Check(
        "control-responds",
        reads.read,
        reads.weigh_read,
        "read the log group of the control's function",
    ),
    Check(
        "read-annotated",
        reads.line,
        reads.weigh_line,
        "try again in a minute, or read its log group",
    ),
    Check("flag-retrieved", flag, weigh_flag, "`rollout roll-back --why '…'` writes a good one"),
    Check("alarm-configured", alarm, weigh_alarm, DEPLOY),
    Check("alias-exists", aliases, weigh_aliases, DEPLOY),
    Check("flag-application", application, weigh_application, DEPLOY),
    Check("dashboard", parts.dashboard, parts.weigh_dashboard, DEPLOY),
    Check("tracing", tracing, weigh_tracing, "deploy with TracingLayerArn, if you want traces"),
    Check(
        "candidate-exists",
        evidence.candidate,
        weigh_both,
        "the database, its secret, or the network: read the candidate's log group",
    ),
    Check("code-release", releases, weigh_releases, "finish the code release"),
    Check("flag-off-by-default", first_document, weigh_first, DEPLOY),
    Check(
        "data-structure",
        reads.data,
        reads.weigh_data,
        "compare the two reads that ControlRead and CandidateRead name",
    ),
)
