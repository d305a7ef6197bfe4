"""The kill switch: AppConfig alone, whatever else is out, and the alarm cannot undo it."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ops.cli import main
from rollout.adapters import closing
from tests.fakes import exposed, scheduled
from tests.functional.aws import Aws, RefusedError, api_name
from tests.functional.test_stack_commands import execution

HELD = exposed(2500, lease_until=4_000_000_000)
NAMED = {
    "ListApplications": [{"Id": "app1111", "Name": "huntaze-flags"}],
    "ListEnvironments": [{"Id": "env1111", "Name": "production"}],
    "ListConfigurationProfiles": [{"Id": "prof111", "Name": "feature-flags"}],
    "ListDeploymentStrategies": [{"Id": "strat11", "Name": "huntaze-prisma-skeleton-rollback"}],
}


class Named(Aws):
    """An account that lists what AppConfig has, by name."""

    listed = NAMED

    def answer(self, service: str, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        known = super().answer(service, operation, given)
        items = self.listed.get(api_name(operation))
        return {"Items": items} if items else known


class Alone(Named):
    """Nothing answers but AppConfig."""

    def answer(self, service: str, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        if not service.startswith("appconfig"):
            raise RefusedError("ServiceUnavailable", "out")
        return super().answer(service, operation, given)


def run(*words: str) -> Result:
    given = ["kill", "--why", "tickets", "--who", "ada", *words, "--region", "us-east-1"]
    return CliRunner().invoke(main, given)


def killed(*words: str) -> dict[str, Any]:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.output))


def test_the_flag_is_closed_and_nothing_but_the_flag_is_touched(patch: pytest.MonkeyPatch) -> None:
    steps = [scheduled("ramp-50")]
    account = Aws(HELD, schedules=steps, executions={"beta-1": execution("RUNNING")}).use(patch)
    found = killed()
    assert (found["word"], found["changed"], found["holder"]) == ("KILLED", True, "beta-1")
    assert (found["exposure_bps"], account.now().enabled) == (0, False)
    assert {action.split(":")[0] for action in account.actions()} == {"appconfig", "cloudformation"}
    assert (
        account.given_to("appconfig:StartDeployment")["Description"] == "kill beta-1: ada: tickets"
    )


def test_the_flag_comes_first_of_all_that_is_changed(patch: pytest.MonkeyPatch) -> None:
    account = Aws(HELD).use(patch)
    killed()
    changes = ("Create", "Start", "Stop", "Delete", "Disable", "Put")
    made = [name.split(":")[1] for name, _ in account.calls]
    changed = [name for name in made if name.startswith(changes)]
    assert changed[:2] == ["CreateHostedConfigurationVersion", "StartDeployment"]


def test_it_works_while_nothing_answers_but_appconfig(patch: pytest.MonkeyPatch) -> None:
    account = Alone(HELD).use(patch)
    found = killed()
    assert (found["found_by"], found["exposure_bps"]) == ("names", 0)
    assert account.given_to("appconfig:StartDeployment")["DeploymentStrategyId"] == "strat11"


def test_who_says_where_the_flag_is_needs_no_stack(patch: pytest.MonkeyPatch) -> None:
    account = Named(HELD).use(patch)
    where = ("--application", "app1111", "--environment", "env1111", "--config-profile", "prof111")
    killed(*where, "--strategy", "strat11", "--flag", "prismaAdapter")
    assert {action.split(":")[0] for action in account.actions()} == {"appconfig"}


def test_a_name_that_is_not_there_is_refused_with_those_that_are(patch: pytest.MonkeyPatch) -> None:
    Named(HELD).use(patch)
    result = run("--application", "mine")
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "--application is 'mine'" in result.output
    assert "app1111 (huntaze-flags)" in result.output


def test_two_of_the_same_name_are_not_guessed_between(patch: pytest.MonkeyPatch) -> None:
    twice = [{"Id": "app1111", "Name": "huntaze-flags"}, {"Id": "app2222", "Name": "huntaze-flags"}]
    patch.setattr(Named, "listed", {**NAMED, "ListApplications": twice})
    Alone(HELD).use(patch)
    assert "app2222" in run().output


def test_a_stack_that_is_not_there_is_refused_and_nothing_is_touched(
    patch: pytest.MonkeyPatch,
) -> None:
    account = Aws(HELD).use(patch)
    result = run("--stack", "other")
    assert (result.exit_code, account.now().enabled) == (1, True)
    assert "there is no stack other" in result.output


def test_killing_twice_is_harmless(patch: pytest.MonkeyPatch) -> None:
    account = Aws(HELD).use(patch)
    killed()
    made = len(account.appconfig.deployments)
    assert killed()["changed"] is False
    assert len(account.appconfig.deployments) == made


class Undoing(Aws):
    """AppConfig undoes deployments for the alarm until its actions are off."""

    def start_deployment(self, given: dict[str, Any]) -> dict[str, Any]:
        started = self.appconfig.start_deployment(given)
        if self.account.cloudwatch.actions_enabled:
            self.appconfig.end(self.appconfig.deployments[-1], "CLOUDWATCH_ALARM")
        return started


@pytest.mark.parametrize("alarm", ["ALARM", "INSUFFICIENT_DATA"])
def test_the_alarm_that_undoes_it_is_silenced_and_speaks_again(
    patch: pytest.MonkeyPatch, alarm: str
) -> None:
    account = Undoing(HELD, alarm=alarm).use(patch)
    assert killed()["exposure_bps"] == 0
    assert account.now().enabled is False
    assert account.calls[-1][0].startswith("appconfig:")
    assert "cloudwatch:EnableAlarmActions" in account.actions()


def test_a_flag_that_goes_on_being_served_is_not_called_killed(patch: pytest.MonkeyPatch) -> None:
    Aws(HELD).use(patch).account.appconfigdata.freeze()
    patch.setattr(closing, "PAUSE_SECONDS", 0)
    result = run()
    assert result.exit_code == 1
    assert "the data plane still serves 2500 basis points" in result.output


def test_what_is_left_is_said_and_rolling_back_tidies_it(patch: pytest.MonkeyPatch) -> None:
    steps = [scheduled("ramp-50")]
    account = Aws(HELD, schedules=steps, executions={"beta-1": execution("RUNNING")}).use(patch)
    assert "rollout roll-back --rollout beta-1 --why" in run().output
    assert account.scheduled() == steps
    tidied = CliRunner().invoke(
        main, ["roll-back", "--rollout", "beta-1", "--why", "w", "--region", "us-east-1"]
    )
    assert tidied.exit_code == 0
    assert (account.scheduled(), account.executions["beta-1"]["status"]) == ([], "ABORTED")
