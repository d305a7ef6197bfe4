"""`rollout preflight` and `rollout check`: each check passes, fails, or cannot tell, with why."""

import json
import re
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ops.checks import preflight, readiness
from ops.checks.check import CANNOT_TELL, FAIL, PASS, Check, passed, run
from ops.checks.permissions import NEEDED, _principal
from ops.checks.site import Site
from ops.cli import main
from ops.deployed import Stack
from tests.fakes import ROOT, exposed, scheduled
from tests.functional.aws import STARTED, RefusedError
from tests.functional.checked import ALARM, DAY, LINE, TYPES, USER, Checked

BETA = str(ROOT / "plans" / "beta.json")
PLAN = ("--plan", BETA, "--requests-per-day", "10000000")
HELD = exposed(2500, lease_until=4_000_000_000)


def command(*words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--region", "us-east-1"])


def checks(*words: str, code: int) -> dict[str, dict[str, Any]]:
    result = command(*words, "--json")
    assert result.exit_code == code, result.output
    return {item["name"]: item for item in json.loads(result.output)["checks"]}


def before(account: Checked, patch: pytest.MonkeyPatch, *, code: int) -> dict[str, dict[str, Any]]:
    account.use(patch)
    return checks("preflight", *PLAN, code=code)


def after(account: Checked, patch: pytest.MonkeyPatch, *, code: int) -> dict[str, dict[str, Any]]:
    account.use(patch)
    return checks("check", code=code)


def test_there_are_more_than_fifteen_checks_each_with_a_name_and_a_remedy() -> None:
    for table in (preflight.CHECKS, readiness.CHECKS):
        assert len({check.name for check in table}) == len(table)
        assert all(check.remedy for check in table)
    assert len(preflight.CHECKS) >= 15
    assert len(readiness.CHECKS) == 12


def test_a_stack_in_order_passes_every_check_but_the_drill(patch: pytest.MonkeyPatch) -> None:
    found = before(Checked(), patch, code=0)
    words = {item["word"]: name for name, item in found.items()}
    assert words == {PASS: "traffic", CANNOT_TELL: "rollback-drill"}
    assert "never drilled" in found["rollback-drill"]["text"]
    assert "--drill" in found["rollback-drill"]["to_do"]


def test_a_stack_in_order_passes_all_twelve_tests(patch: pytest.MonkeyPatch) -> None:
    found = after(Checked(), patch, code=0)
    assert {item["word"] for item in found.values()} == {PASS}


def test_the_drill_is_the_function_that_rolls_back(patch: pytest.MonkeyPatch) -> None:
    account = Checked().use(patch)
    found = checks("preflight", *PLAN, "--drill", code=0)["rollback-drill"]
    assert (found["word"], found["text"]) == (PASS, "drilled just now, served after 2.0 s")
    given = [call for action, call in account.calls if action == "lambda:InvokeFunction"]
    events = [json.loads(one["Payload"]) for one in given if one["FunctionName"] == "roll-back"]
    assert [event["action"] for event in events] == ["DRILL"]
    assert events[0]["step"]["rollout_id"].startswith("preflight-")


def drilled(word: str, **changed: Any) -> Checked:
    """An account whose last launch has drilled, and whose stack was changed then."""
    drill = {"word": word, "reason": "not served", "set_seconds": 1.0, "seconds": 2.5}
    ended = {
        "status": "SUCCEEDED",
        "stopDate": STARTED,
        "input": json.dumps({"action": "launch", "rollout_id": "beta-1"}),
        "output": json.dumps({"drill": drill, "outcome": {"word": "COMPLETED"}}),
    }
    account = Checked(executions={"beta-1": ended})
    account.changed = changed
    return account


DRILLS = [
    ("PROVEN", {}, PASS, "drilled by beta-1, served after 2.5 s"),
    ("NOT_PROVEN", {}, FAIL, "not served"),
    ("PROVEN", {"LastUpdatedTime": STARTED + DAY}, CANNOT_TELL, "the stack has changed since"),
    ("NOT_PROVEN", {"LastUpdatedTime": STARTED + DAY}, CANNOT_TELL, "has changed since"),
]


@pytest.mark.parametrize(("word", "changed", "answer", "said"), DRILLS)
def test_the_drill_of_the_last_launch_counts_until_the_stack_changes(
    patch: pytest.MonkeyPatch, word: str, changed: dict[str, Any], answer: str, said: str
) -> None:
    account = drilled(word, **changed)
    found = before(account, patch, code=int(answer == FAIL))["rollback-drill"]
    assert (found["word"], said in found["text"]) == (answer, True), found


def test_without_asking_for_it_nothing_is_drilled_or_written(patch: pytest.MonkeyPatch) -> None:
    account = Checked()
    before(account, patch, code=0)
    writing = ("Create", "Start", "Stop", "Put", "Delete", "Send", "Publish", "Update")
    named = {action.partition(":")[2] for action in account.actions()}
    assert {name for name in named if name.startswith(writing)} == {"StartConfigurationSession"}
    asked = [given["FunctionName"] for action, given in account.calls if "Invoke" in action]
    assert "roll-back" not in asked


def test_a_drill_without_a_plan_is_bad_input(patch: pytest.MonkeyPatch) -> None:
    Checked().use(patch)
    result = command("preflight", "--drill")
    assert result.exit_code == 2
    assert "--drill needs --plan" in result.output


def without(name: str) -> dict[str, Any]:
    kept = {logical: kind for logical, kind in TYPES.items() if logical != name}
    return {
        "StackResourceSummaries": [
            {
                "LogicalResourceId": logical,
                "PhysicalResourceId": logical,
                "ResourceType": kind,
                "ResourceStatus": "CREATE_COMPLETE",
            }
            for logical, kind in kept.items()
        ]
    }


def invoked(body: dict[str, Any]) -> dict[str, Any]:
    class Body:
        def read(self) -> bytes:
            return json.dumps(body).encode()

    return {"Payload": Body()}


def alarm(**changes: Any) -> dict[str, Any]:
    return {"MetricAlarms": [{**ALARM, **changes}]}


SPOILT = [
    ("resources", "ListStackResources", without("GuardRole"), "GuardRole is missing"),
    ("functions", "GetFunctionConfiguration", {"State": "Failed"}, "Failed and Successful"),
    ("state-machine", "DescribeStateMachine", {"status": "DELETING"}, "DELETING"),
    ("executions", "ListExecutions", {"executions": [{"name": "beta-1"}]}, "beta-1"),
    ("schedule-group", "GetScheduleGroup", {"State": "DELETING"}, "DELETING"),
    (
        "alias-unweighted",
        "GetAlias",
        {"RoutingConfig": {"AdditionalVersionWeights": {"4": 0.1}}},
        "read:live, candidate:live",
    ),
    ("alarm-ok", "DescribeAlarms", alarm(StateValue="INSUFFICIENT_DATA"), "must be OK"),
    ("alarm-ok", "DescribeAlarms", alarm(ActionsEnabled=False), "its actions are off"),
    ("alarm-ok", "DescribeAlarms", {}, "the alarm is missing"),
    ("alarm-missing-data", "DescribeAlarms", alarm(TreatMissingData="missing"), "as missing"),
    ("candidate-answers", "Invoke", invoked({"user": None, "error": "OSError"}), "OSError"),
    ("candidate-table", "Invoke", invoked({"user": None, "error": ""}), "no user user-1"),
    ("comparator", "Invoke", invoked({"outcome": "SHADOW-FAILED", "error": ""}), "does not answer"),
    (
        "permissions",
        "SimulatePrincipalPolicy",
        {"EvaluationResults": [{"EvalDecision": "implicitDeny"}]},
        "RollBackRole appconfig:StartDeployment (implicitDeny)",
    ),
    (
        "own-permissions",
        "SimulatePrincipalPolicy",
        {"EvaluationResults": [{"EvalDecision": "explicitDeny"}]},
        "ada appconfig:StartDeployment (explicitDeny)",
    ),
    ("guard-rules", "DescribeRule", {"State": "DISABLED"}, "is DISABLED"),
    (
        "dead-letters",
        "GetQueueAttributes",
        {"Attributes": {"ApproximateNumberOfMessages": "3"}},
        "GuardFailures has 3",
    ),
    ("log-groups", "DescribeLogGroups", {"logGroups": []}, "is missing"),
    ("dashboard", "GetDashboard", {"DashboardBody": "{}"}, "shows nothing"),
    ("notification", "ListSubscriptionsByTopic", {"Subscriptions": []}, "nobody is subscribed"),
    (
        "notification",
        "ListSubscriptionsByTopic",
        {"Subscriptions": [{"Protocol": "email", "SubscriptionArn": "PendingConfirmation"}]},
        "none has confirmed",
    ),
    (
        "clock",
        "GetCallerIdentity",
        {
            "Arn": "arn:aws:iam::0:user/ada",
            "ResponseMetadata": {"HTTPHeaders": {"date": "Mon, 02 Jan 2006 15:04:05 GMT"}},
        },
        "ahead of that of AWS",
    ),
]


@pytest.mark.parametrize(("name", "operation", "said", "text"), SPOILT)
def test_what_is_not_in_order_fails_and_says_what_to_do(
    patch: pytest.MonkeyPatch, name: str, operation: str, said: dict[str, Any], text: str
) -> None:
    account = Checked()
    account.said[operation] = said
    found = before(account, patch, code=1)[name]
    assert found["word"] == FAIL, found
    assert text in found["text"]
    assert found["to_do"]


def test_a_rollout_that_holds_the_flag_fails_three_checks(patch: pytest.MonkeyPatch) -> None:
    account = Checked(flag=HELD, state="BAKING", schedules=[scheduled("ramp-50")])
    found = before(account, patch, code=1)
    failing = {name for name, item in found.items() if item["word"] == FAIL}
    assert failing == {"flag-free", "flag-at-zero", "flag-deployment", "schedules"}
    assert "25 % of users" in found["flag-at-zero"]["text"]


def test_a_code_release_of_ours_fails_and_another_does_not(patch: pytest.MonkeyPatch) -> None:
    for function, word in (("ReadFunction", FAIL), ("elsewhere", PASS)):
        account = Checked()
        info = {"deploymentId": "d-1", "computePlatform": "Lambda"}
        target = {"lambdaTarget": {"lambdaFunctionInfo": {"functionName": function}}}
        account.said["BatchGetDeployments"] = {"deploymentsInfo": [info]}
        account.said["ListDeploymentTargets"] = {"targetIds": ["t-1"]}
        account.said["BatchGetDeploymentTargets"] = {"deploymentTargets": [target]}
        account.releases = ["d-1"]
        found = before(account, patch, code=int(word == FAIL))
        assert found["code-deployments"]["word"] == word


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("AccessDenied", "you may not call SimulatePrincipalPolicy"),
        ("UnknownOperationException", "SimulatePrincipalPolicy is not known here"),
        ("Throttling", "SimulatePrincipalPolicy: Throttling: slow"),
    ],
)
def test_what_may_not_be_asked_cannot_be_told(
    patch: pytest.MonkeyPatch, code: str, said: str
) -> None:
    account = Checked()
    account.said["SimulatePrincipalPolicy"] = RefusedError(code, "slow")
    found = before(account, patch, code=0)["permissions"]
    assert (found["word"], said in found["text"]) == (CANNOT_TELL, True)


def test_a_plan_that_the_traffic_cannot_carry_fails(patch: pytest.MonkeyPatch) -> None:
    Checked().use(patch)
    found = checks("preflight", "--plan", BETA, "--requests-per-day", "1000", code=1)
    assert found["traffic"]["word"] == FAIL
    assert "1,000 requests a day" in found["traffic"]["text"]
    assert found["plan"]["word"] == PASS


def test_a_plan_that_the_alarm_contradicts_fails(
    patch: pytest.MonkeyPatch,
) -> None:
    account = Checked()
    account.said["DescribeAlarms"] = alarm(Threshold=0.5)
    found = before(account, patch, code=1)["plan"]
    assert (found["word"], "rings above 0.5 %" in found["text"]) == (FAIL, True)


def test_without_plan_or_traffic_these_cannot_be_told(patch: pytest.MonkeyPatch) -> None:
    Checked().use(patch)
    found = checks("preflight", code=0)
    assert {found[name]["word"] for name in ("plan", "traffic")} == {CANNOT_TELL}
    found = checks("preflight", "--plan", BETA, code=0)
    assert found["traffic"]["text"] == "CloudWatch has counted no request yet"


AFTERWARDS = [
    (
        "control-responds",
        "Invoke",
        invoked({"statusCode": 503, "headers": {}, "body": "{}"}),
        "503",
    ),
    (
        "read-annotated",
        "FilterLogEvents",
        {"events": [{"message": json.dumps({**LINE, "said": "user-1"})}]},
        "has the user's id",
    ),
    (
        "read-annotated",
        "FilterLogEvents",
        {"events": [{"message": json.dumps({"event": "read.served"})}]},
        "lacks path",
    ),
    ("alarm-configured", "GetEnvironment", {"Name": "p", "Monitors": []}, "does not watch"),
    ("alarm-configured", "DescribeAlarms", alarm(AlarmActions=[]), "tells nobody"),
    ("alias-exists", "GetAlias", {"FunctionVersion": "$LATEST"}, "$LATEST"),
    ("candidate-exists", "Invoke", invoked({"user": None, "error": "OSError"}), "OSError"),
]


@pytest.mark.parametrize(("name", "operation", "said", "text"), AFTERWARDS)
def test_a_stack_that_is_not_ready_fails_the_test_of_it(
    patch: pytest.MonkeyPatch, name: str, operation: str, said: dict[str, Any], text: str
) -> None:
    account = Checked()
    account.said[operation] = said
    found = after(account, patch, code=1)[name]
    assert (found["word"], text in found["text"]) == (FAIL, True), found


@pytest.mark.parametrize(
    ("name", "operation"),
    [("alias-exists", "GetAlias"), ("flag-application", "GetApplication")],
)
def test_a_part_that_is_not_there_is_named(
    patch: pytest.MonkeyPatch, name: str, operation: str
) -> None:
    account = Checked()
    account.said[operation] = RefusedError("ResourceNotFoundException", "there is none")
    found = after(account, patch, code=1)[name]
    assert (found["word"], "there is none" in found["text"]) == (FAIL, True)


def test_traces_that_are_switched_off_cannot_be_told(patch: pytest.MonkeyPatch) -> None:
    account = Checked()
    account.said["GetFunctionConfiguration"] = {"TracingConfig": {"Mode": "PassThrough"}}
    assert after(account, patch, code=0)["tracing"]["word"] == CANNOT_TELL


def test_an_answer_of_another_kind_in_the_candidate_is_seen(patch: pytest.MonkeyPatch) -> None:
    account = Checked()
    account.user = {**USER, "balance": 1.0}
    found = after(account, patch, code=1)["data-structure"]
    assert found["text"] == "balance are of another kind in the candidate's answer"


def test_a_field_that_only_one_arm_has_is_named(patch: pytest.MonkeyPatch) -> None:
    account = Checked()
    account.user = {**USER, "nickname": "A"}
    found = after(account, patch, code=1)["data-structure"]
    assert found["text"] == "only one arm's answer has nickname"


def test_users_who_are_exposed_by_nobody_are_seen(patch: pytest.MonkeyPatch) -> None:
    found = after(Checked(flag=exposed(100, rollout_id="")), patch, code=1)
    assert found["flag-off-by-default"]["word"] == FAIL


# The table itself


def site() -> Site:
    return Site(Stack("s", {}))


def broken(_: Site) -> None:
    raise ValueError("two\nlines")


def test_a_check_that_raises_cannot_tell_and_the_others_go_on() -> None:
    table = (
        Check("broken", broken, lambda _: passed("never"), "look"),
        Check("good", lambda _: 1, lambda one: passed(str(one)), "look"),
    )
    found = run(table, site())
    assert [(one.word, one.text, one.to_do) for one in found] == [
        (CANNOT_TELL, "ValueError: two lines", "look"),
        (PASS, "1", ""),
    ]


def test_checks_come_in_their_order_however_long_each_takes() -> None:
    import time

    table = tuple(
        Check(str(n), lambda _, n=n: time.sleep(0.02 * (5 - n)), lambda _: passed(""), "")
        for n in range(5)
    )
    assert [one.name for one in run(table, site())] == list("01234")


def test_on_a_terminal_it_is_a_table_of_80_columns(patch: pytest.MonkeyPatch) -> None:
    Checked().use(patch)
    for name, value in (("FORCE_COLOR", "1"), ("NO_COLOR", "1"), ("COLUMNS", "80")):
        patch.setenv(name, value)
    said = re.sub(r"\x1b\[[0-9;]*m", "", command("preflight", *PLAN).output)
    lines = said.splitlines()
    assert max(len(line) for line in lines) <= 80
    assert re.search(r"^ *check +found", lines[0])
    assert re.search(r"^pass +flag-free +nobody holds it", said, re.M)
    assert re.search(r"^cannot tell +rollback-drill +it was never drilled", said, re.M)
    assert "`rollout preflight --plan PLAN" in said  # what to do, below


def test_lines_are_stable_where_nobody_looks_at_a_terminal(patch: pytest.MonkeyPatch) -> None:
    Checked().use(patch)
    *lines, last = command("preflight", *PLAN).output.splitlines()
    assert [line.split("\t")[1] for line in lines] == [check.name for check in preflight.CHECKS]
    assert last == f"{len(lines) - 1} pass, 0 fail, 1 cannot tell"


@pytest.mark.parametrize(
    ("arn", "principal"),
    [
        ("arn:aws:iam::1:user/ada", "arn:aws:iam::1:user/ada"),
        ("arn:aws:sts::1:assumed-role/Admin/ada", "arn:aws:iam::1:role/Admin"),
        ("arn:aws:iam::1:root", "arn:aws:iam::1:root"),
    ],
)
def test_whoever_asks_is_simulated_as_the_role_behind_the_session(arn: str, principal: str) -> None:
    assert _principal(arn) == principal


def test_every_role_that_is_simulated_is_in_the_template() -> None:
    assert {role for role, _, _ in NEEDED} <= set(TYPES)
