"""The plan, the traffic, and the clock that its dates are read from."""

import time
from email.utils import parsedate_to_datetime
from typing import Any, Final

from ops import planning
from ops.checks.check import Answer, failed, passed, unknown
from ops.checks.site import Site
from ops.plans.alarm import of_deployed
from ops.plans.linting import ERROR, Found, Known, lint
from rollout.adapters.clients import client
from rollout.domain.planner import Outlook, outlook

DAY: Final = 86400
# Requests are signed with the time; AWS refuses those off by five minutes, and dates that are
# shown should not be off by more than this.
MOST_SKEW_SECONDS: Final = 30.0


def clock(_site: Site) -> float:
    """Seconds by which the local clock is ahead of AWS; the header has whole seconds."""
    answer: Any = client("sts").get_caller_identity()
    said = answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")
    if not said:
        raise ValueError("the answer had no date")
    return time.time() - parsedate_to_datetime(said).timestamp()


def weigh_clock(ahead: float) -> Answer:
    if abs(ahead) > MOST_SKEW_SECONDS:
        which = "ahead of" if ahead > 0 else "behind"
        return failed(f"this clock is {abs(ahead):.0f} s {which} that of AWS")
    return passed(f"within {max(1.0, abs(ahead)):.0f} s of AWS")


def findings(site: Site) -> list[Found] | None:
    """What the linter says of the plan, whatever the traffic; None without a plan."""
    if site.document is None:
        return None
    names = [name.strip() for name in site.stack.outputs["AlarmName"].split(",")]
    told = client("cloudwatch").describe_alarms(AlarmNames=names).get("MetricAlarms", ())
    alarm = of_deployed(told[0]) if told else None
    return lint(site.document, Known(None, site.users, alarm))


def weigh_findings(found: list[Found] | None) -> Answer:
    if found is None:
        return unknown("no plan was named")
    errors = [one.text for one in found if one.level == ERROR]
    if errors:
        return failed(errors[0] + (f" (and {len(errors) - 1} more)" if errors[1:] else ""))
    return passed("no error")


def looks(site: Site) -> tuple[float, tuple[Outlook, ...]] | None:
    """(requests a day, what each phase can be expected to see); None without a plan."""
    if site.plan is None:
        return None
    forecast = site.forecast or planning.counted(site.stack, site.days)
    listed = len(site.plan.allow_list)
    return forecast.requests(0, DAY), outlook(site.plan, forecast, site.users, listed)


def weigh_looks(found: tuple[float, tuple[Outlook, ...]] | None) -> Answer:
    if found is None:
        return unknown("no plan was named")
    requests, outlooks = found
    if not requests:
        return unknown("CloudWatch has counted no request yet")
    problems = [f"{one.phase}: {one.problem}" for one in outlooks if one.problem]
    if problems:
        return failed(f"{requests:,.0f} requests a day; {problems[0]}")
    days = sum(max(one.certify_seconds, 0) for one in outlooks) / DAY
    return passed(f"{requests:,.0f} requests a day certify every phase, {days:.2g} days in all")
