"""The flag, and the code behind the aliases: is anything moving, or left over?"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ops import rollouts
from ops.checks.check import Answer, failed, passed
from ops.checks.parts import some
from ops.checks.site import Site
from rollout.adapters.aliases import LambdaAliases
from rollout.adapters.clients import client
from rollout.adapters.flags import AppConfigFlags
from rollout.domain.flag import Flag

GOING_ON: Final = ["Created", "Queued", "InProgress", "Baking", "Ready"]
# BatchGetDeployments takes so many ids.
BATCH: Final = 25


def deployed(site: Site) -> Flag:
    return AppConfigFlags.connect(site.stack.settings()).current().flag


def weigh_holder(flag: Flag) -> Answer:
    if flag.holder:
        return failed(f"rollout {flag.holder} holds it, in phase {flag.phase}")
    return passed("nobody holds it")


def served(site: Site) -> tuple[int, int]:
    """(exposure, shadow) in basis points, as a reader that starts now obeys the flag."""
    flag, now = rollouts.served(site.stack), time.time()
    return flag.exposure_at(now), flag.shadow_at(now)


def weigh_served(found: tuple[int, int]) -> Answer:
    exposure, shadow = found
    if exposure:
        return failed(f"{exposure / 100:g} % of users are answered by the candidate")
    if shadow:
        return failed(f"{shadow / 100:g} % of reads are still compared")
    return passed("0 % of users, no shadow")


def flag_deployment(site: Site) -> int:
    """The number of the deployment of the flag that is in progress, 0 without one."""
    running = AppConfigFlags.connect(site.stack.settings()).running()
    return running.number if running else 0


def weigh_flag_deployment(number: int) -> Answer:
    return failed(f"deployment {number} is running") if number else passed("none is running")


def running(site: Site) -> list[str]:
    pages = client("stepfunctions").get_paginator("list_executions")
    found = pages.paginate(stateMachineArn=site.stack.machine_arn, statusFilter="RUNNING")
    return [item["name"] for page in found for item in page["executions"]]


def weigh_running(names: Sequence[str]) -> Answer:
    return failed(f"still running: {some(list(names))}") if names else passed("none is running")


def aliases(site: Site) -> list[str]:
    """The aliases of the read path, as function:alias, that exist."""
    arns = (site.stack.outputs["ReadAliasArn"], site.stack.outputs["CandidateAliasArn"])
    return [":".join(arn.split(":")[-2:]) for arn in arns]


def weighted(site: Site) -> tuple[list[str], list[str]]:
    """(all aliases, those that split traffic); raises what AWS raises for one that is missing."""
    names = aliases(site)
    return names, list(LambdaAliases(client("lambda"), tuple(names)).weighted())


def weigh_weighted(found: tuple[list[str], list[str]]) -> Answer:
    names, split = found
    if split:
        return failed(f"{some(split)} splits traffic: a code release")
    return passed(f"{some(names)} point at one version each")


def code_deployments(site: Site) -> dict[str, list[str]]:
    """CodeDeploy deployment in progress -> the functions it moves."""
    api = client("codedeploy")
    ids = api.list_deployments(includeOnlyStatuses=GOING_ON)["deployments"][:BATCH]
    if not ids:
        return {}
    infos = api.batch_get_deployments(deploymentIds=ids)["deploymentsInfo"]
    lambdas = [item["deploymentId"] for item in infos if item["computePlatform"] == "Lambda"]
    ours = set(site.of_type("AWS::Lambda::Function").values())
    found = {}
    for ident in lambdas:
        targets = api.list_deployment_targets(deploymentId=ident)["targetIds"]
        told = api.batch_get_deployment_targets(deploymentId=ident, targetIds=targets)
        names = {_function(target) for target in told["deploymentTargets"]} & ours
        if names:
            found[ident] = sorted(names)
    return found


def _function(target: Mapping[str, Any]) -> str:
    return str(target.get("lambdaTarget", {}).get("lambdaFunctionInfo", {}).get("functionName", ""))


def weigh_code_deployments(found: Mapping[str, Sequence[str]]) -> Answer:
    if found:
        ident, names = next(iter(found.items()))
        return failed(f"CodeDeploy {ident} is moving {some(list(names))}")
    return passed("CodeDeploy moves none of the functions")
