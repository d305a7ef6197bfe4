"""The commands for a deployed stack, against an account in memory."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ops.cli import main
from rollout.domain import step as steps
from tests.fakes import NOW, ROOT, exposed, scheduled
from tests.functional.aws import Aws, RefusedError

BETA = str(ROOT / "plans" / "beta.json")
HELD = exposed(2500, lease_until=4_000_000_000)


def run(*words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--region", "us-east-1"])


def answer(*words: str) -> dict[str, Any]:
    """What a program gets: one JSON line, and nothing else."""
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    assert result.output.count("\n") == 1
    return dict(json.loads(result.output))


def execution(status: str, **document: Any) -> dict[str, Any]:
    given = json.dumps({"action": "launch", "rollout_id": "beta-1"})
    return {"status": status, "input": given, "output": json.dumps(document)}


ASKING = {"beta-1": execution("RUNNING")}


def refusal(result: Result, code: int) -> str:
    """The one line that says why, and no traceback."""
    assert (result.exit_code, result.output.count("\n")) == (code, 1), result.output
    assert result.output.startswith("rollout: ")
    return result.output


# Launch


def test_a_launch_starts_one_execution_named_after_the_plan(patch: pytest.MonkeyPatch) -> None:
    account = Aws().use(patch)
    result = answer("launch", "--plan", BETA)
    assert result["rollout"].startswith("beta-")
    assert list(account.executions) == [result["rollout"]]
    started = json.loads(account.given_to("states:StartExecution")["input"])
    assert (started["action"], started["rollout_id"]) == ("launch", result["rollout"])
    assert started["plan"] == json.loads(Path(BETA).read_text(encoding="utf-8"))


def test_a_launch_while_another_rollout_holds_the_flag_starts_nothing(
    patch: pytest.MonkeyPatch,
) -> None:
    account = Aws(HELD).use(patch)
    said = refusal(run("launch", "--plan", BETA), 1)
    assert "rollout beta-1 holds the flag" in said
    assert "rollout roll-back --why" in said
    assert account.executions == {}


def test_an_id_that_was_used_before_is_refused(patch: pytest.MonkeyPatch) -> None:
    Aws(executions={"mine": execution("SUCCEEDED")}).use(patch)
    said = refusal(run("launch", "--plan", BETA, "--rollout", "mine"), 1)
    assert "there has been a rollout mine; choose another id" in said


@pytest.mark.parametrize("identity", ["two words", "-dash", "x" * 40])
def test_an_id_that_no_rollout_can_have_is_refused_before_anything_is_started(
    patch: pytest.MonkeyPatch, identity: str
) -> None:
    account = Aws().use(patch)
    result = run("launch", "--plan", BETA, f"--rollout={identity}")
    assert "letters, digits, dashes or underscores" in refusal(result, 2)
    assert account.executions == {}


def test_a_plan_of_the_longest_name_gives_an_id_that_the_machine_accepts(
    patch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    document = json.loads(Path(BETA).read_text(encoding="utf-8"))
    document["name"] = "a" * 23
    (tmp_path / "plan.json").write_text(json.dumps(document))
    account = Aws().use(patch)
    answer("launch", "--plan", str(tmp_path / "plan.json"))
    started = json.loads(account.given_to("states:StartExecution")["input"])
    assert steps.parse(started, "2d5f", NOW).rollout_id == started["rollout_id"]


@pytest.mark.parametrize(
    ("part", "changes", "said"),
    [
        ("judge", {"gamma": 1}, "judge.gamma is 1; expected no such field"),
        ("lease", {"grace_seconds": -1}, "lease.grace_seconds is -1; expected bigger than"),
        ("cleanup", {"starts_after_seconds": 1}, "cleanup.starts_after_seconds is 1; expected at"),
    ],
)
def test_a_bad_plan_is_refused_before_anything_is_started(
    patch: pytest.MonkeyPatch, tmp_path: Path, part: str, changes: dict[str, Any], said: str
) -> None:
    document = json.loads(Path(BETA).read_text(encoding="utf-8"))
    document[part].update(changes)
    (tmp_path / "plan.json").write_text(json.dumps(document))
    account = Aws().use(patch)
    assert said in refusal(run("launch", "--plan", str(tmp_path / "plan.json")), 2)
    assert account.executions == {}


def test_a_plan_that_is_not_there_is_bad_input(patch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    Aws().use(patch)
    said = refusal(run("launch", "--plan", str(tmp_path / "none.json")), 2)
    assert "plan file is" in said
    assert "No such file" in said


# Which stack


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("launch", "--plan", BETA),
        ("roll-back", "--why", "w"),
        ("approve", "beta-1", "--why", "w"),
        ("reject", "beta-1", "--why", "w"),
    ],
)
def test_a_stack_that_is_not_there_is_refused_with_what_to_do(
    patch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    Aws().use(patch)
    said = refusal(run(*words, "--stack", "other"), 1)
    assert "there is no stack other (region us-east-1)" in said
    for remedy in ("sam deploy", "rollout local up", "--stack"):
        assert remedy in said


def test_a_stack_of_another_kind_is_refused_by_the_output_it_lacks(
    patch: pytest.MonkeyPatch,
) -> None:
    account = Aws().use(patch)
    del account.outputs["TopicArn"]
    assert "has no output TopicArn: it is not a rollout stack" in refusal(run("status"), 1)


# Status


def test_the_status_says_what_is_served_and_what_comes_next(patch: pytest.MonkeyPatch) -> None:
    Aws(
        HELD,
        schedules=[scheduled("ramp-50"), scheduled("ramp-5", "other-1")],
        executions={
            "beta-1": execution("SUCCEEDED", outcome={"word": "LAUNCHED", "sentence": "passed"}),
            "beta-1-ramp-25": execution("RUNNING"),
        },
    ).use(patch)
    result = answer("status")
    assert (result["rollout"], result["exposure_bps"], result["holds_flag"]) == (
        "beta-1",
        2500,
        True,
    )
    assert result["scheduled"] == [{"name": scheduled("ramp-50"), "at": "2027-01-17T00:00:00Z"}]
    states = {item["name"]: (item["state"], item["sentence"]) for item in result["executions"]}
    assert states == {"beta-1": ("LAUNCHED", "passed"), "beta-1-ramp-25": ("Bake", "")}


def test_the_status_says_how_long_the_drilled_rollback_took(patch: pytest.MonkeyPatch) -> None:
    drill = {"word": "PROVEN", "reason": "", "set_seconds": 1.5, "seconds": 2.5}
    Aws(HELD, executions={"beta-1": execution("SUCCEEDED", drill=drill)}).use(patch)
    assert answer("status")["drill"] == drill
    assert "a rollback was drilled before the launch: served after 2.5 s" in run("status").output


def test_the_status_of_a_lease_that_is_over_is_no_exposure(patch: pytest.MonkeyPatch) -> None:
    Aws(exposed(2500, lease_until=1)).use(patch)
    assert answer("status")["exposure_bps"] == 0


def test_the_status_of_a_stack_that_never_rolled_out_says_so(patch: pytest.MonkeyPatch) -> None:
    Aws().use(patch)
    result = run("status")
    assert result.exit_code == 0
    assert "none yet" in result.output
    assert "0 % of users" in result.output


def test_the_status_of_a_finished_rollout_has_no_end_of_a_lease(patch: pytest.MonkeyPatch) -> None:
    Aws(HELD.finished()).use(patch)
    result = run("status")
    assert "100 % of users" in result.output
    assert "9999" not in result.output


# Roll back


def test_rolling_back_closes_the_flag_and_stops_what_runs(patch: pytest.MonkeyPatch) -> None:
    account = Aws(
        HELD, schedules=[scheduled("ramp-50")], executions={"beta-1": execution("RUNNING")}
    ).use(patch)
    result = answer("roll-back", "--why", "tickets", "--by", "ada")
    assert (result["word"], result["exposure_bps"], result["holder"]) == (
        "ROLLED_BACK",
        0,
        "beta-1",
    )
    assert (account.now().enabled, account.scheduled()) == (False, [])
    assert result["stopped"] == ["beta-1"]
    assert result["reason"] == "ada: tickets"


@pytest.mark.parametrize(("became", "code"), [("SUCCEEDED", 0), ("RUNNING", 1)])
def test_an_execution_that_ended_by_itself_need_not_be_stopped(
    patch: pytest.MonkeyPatch, became: str, code: int
) -> None:
    class Quick(Aws):
        def stop_execution(self, _: dict[str, Any]) -> dict[str, Any]:
            self.executions["beta-1"]["status"] = became
            raise RefusedError("ValidationException", "Execution is not running")

    Quick(HELD, executions={"beta-1": execution("RUNNING")}).use(patch)
    result = run("roll-back", "--why", "tickets", "--by", "ada", "--json")
    assert result.exit_code == code
    if code == 0:
        assert json.loads(result.output)["stopped"] == []


def test_rolling_back_twice_is_harmless(patch: pytest.MonkeyPatch) -> None:
    Aws(HELD).use(patch)
    answer("roll-back", "--why", "w")
    assert answer("roll-back", "--why", "w")["changed"] is False


def test_rolling_back_needs_no_state_machine(patch: pytest.MonkeyPatch) -> None:
    class Out(Aws):
        def list_executions(self, _: dict[str, Any]) -> dict[str, Any]:
            raise RefusedError("StateMachineDoesNotExist", "gone")

    Out(exposed(2500, rollout_id="", lease_until=4_000_000_000)).use(patch)
    told = answer("roll-back", "--why", "w")
    assert (told["exposure_bps"], told["stopped"]) == (0, [])
    assert "a launch may still be running: " in told["reason"]


def test_rolling_back_stops_a_launch_that_has_not_taken_the_flag_yet(
    patch: pytest.MonkeyPatch,
) -> None:
    """Somebody who has launched the wrong plan rolls back at once, in its first seconds."""
    account = Aws(executions={"beta-1": execution("RUNNING")}).use(patch)
    told = answer("roll-back", "--why", "the wrong plan")
    assert (told["stopped"], told["changed"]) == (["beta-1"], False)
    assert account.executions["beta-1"]["status"] == "ABORTED"


def test_rolling_back_closes_a_flag_that_a_launch_takes_in_its_last_moment(
    patch: pytest.MonkeyPatch,
) -> None:
    class Late(Aws):
        def stop_execution(self, given: dict[str, Any]) -> dict[str, Any]:
            flag = exposed(0, phase="shadow-soak", lease_until=4_000_000_000)
            self.appconfig.edit(**vars(flag))
            return super().stop_execution(given)

    account = Late(executions={"beta-1": execution("RUNNING")}).use(patch)
    told = answer("roll-back", "--why", "the wrong plan")
    assert (told["stopped"], told["changed"], told["holder"]) == (["beta-1"], True, "beta-1")
    assert not account.now().enabled


def test_rolling_back_uses_the_strategy_without_bake(patch: pytest.MonkeyPatch) -> None:
    account = Aws(HELD)
    account.outputs.update(RampStrategyId="ramp", RollbackStrategyId="urgent")
    account.use(patch)
    answer("roll-back", "--why", "w")
    assert account.given_to("appconfig:StartDeployment")["DeploymentStrategyId"] == "urgent"


# Mismatches


def logged(*lines: dict[str, Any]) -> list[str]:
    return [json.dumps({"noted": 1, "rollout_id": "beta-1", **line}) for line in lines]


WRONG = {
    "diff_paths": "balance:value",
    "examples": {"balance:value": {"control": "text(6)", "candidate": "text(6)", "hint": "larger"}},
    "user_hash": "0123456789abcdef",
    "rules": ['{"path":"at","rule":"ignore"}'],
    "_aws": {"Timestamp": NOW * 1000},
}


def test_mismatches_are_reported_by_reason(patch: pytest.MonkeyPatch) -> None:
    account = Aws(flag=HELD, executions=ASKING, logs=logged(WRONG, WRONG)).use(patch)
    found = answer("mismatches")
    (reason,) = found["reasons"]
    assert (found["rollout"], reason["path"], reason["count"]) == ("beta-1", "balance", 2)
    assert found["unused_rules"] == ['{"path":"at","rule":"ignore"}']
    assert (found["recount"]["live"], found["recount"]["pooled"]) == (2, 2)
    assert account.given_to("logs:FilterLogEvents")["logGroupName"].endswith("-compare")


def test_the_screen_of_mismatches_has_words_and_examples(patch: pytest.MonkeyPatch) -> None:
    Aws(flag=HELD, executions=ASKING, logs=[*logged(WRONG), "not JSON"]).use(patch)
    shown = run("mismatches", "--since", "2h").output
    assert "balance differs (value): once" in shown
    assert "1 as counted live, 1 with what all comparators learnt of the noise" in shown
    assert "text(6) -> text(6), larger (user 0123456789abcdef)" in shown
    assert "no difference has needed the rule" in shown


def test_lines_of_another_rollout_are_not_counted(patch: pytest.MonkeyPatch) -> None:
    other = logged({**WRONG, "rollout_id": "beta-0"})
    Aws(flag=HELD, executions=ASKING, logs=other).use(patch)
    assert answer("mismatches")["reasons"] == []


def test_a_comparator_that_never_ran_has_no_reasons(patch: pytest.MonkeyPatch) -> None:
    Aws(flag=HELD, executions=ASKING, logs=None).use(patch)
    assert answer("mismatches")["reasons"] == []


@pytest.mark.parametrize("since", ["soon", "0h", "2", "1h30m", "-1h"])
def test_a_length_of_time_that_makes_no_sense_is_refused(
    patch: pytest.MonkeyPatch, since: str
) -> None:
    Aws(flag=HELD, executions=ASKING).use(patch)
    assert "--since" in refusal(run("mismatches", "--since", since), 2)


def test_mismatches_of_a_rollout_nobody_knows_say_so(patch: pytest.MonkeyPatch) -> None:
    Aws(flag=HELD, executions=ASKING).use(patch)
    assert "beta-7" in refusal(run("mismatches", "--rollout", "beta-7"), 1)
