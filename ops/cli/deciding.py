"""What a person decides: to roll back, or what a rollout has asked."""

import getpass
from typing import Final

import click

from ops import approving, deployed, histories, killing, rollouts
from ops.cli.endings import show
from ops.cli.options import against_stack, as_json, with_reason, without_stack


@click.command(epilog="Example: rollout kill --why 'tickets about wrong balances'")
@click.option("--application", default="", help="AppConfig application, id or name.")
@click.option("--environment", default="", help="AppConfig environment, id or name.")
@click.option("--config-profile", default="", help="AppConfig profile, id or name.")
@click.option("--strategy", default="", help="Strategy without bake; default: <stack>-rollback.")
@click.option("--flag", default="", help="The flag's name; default: prismaAdapter.")
@with_reason
@as_json
@without_stack
def kill(stack: str, who: str, why: str, as_json: bool, **place: str) -> None:
    """Close the flag first: AppConfig alone, seconds, whoever holds it.

    For when anything else is out or in the way. Verifies at the data plane. The ids come from the
    stack; say where the flag is, and CloudFormation is not asked either. What it leaves ends by
    itself, or with `rollout roll-back`.
    """
    place["profile"] = place.pop("config_profile")
    result = killing.kill(stack, killing.Place(**place), who or getpass.getuser(), why)
    did = f"closed the flag of {result['holder'] or 'nobody'}" if result["changed"] else "it was so"
    left = (
        "\nschedules and executions are left: a step that starts is refused, one that runs rolls "
        f"back at its next look; tidy now with `rollout roll-back --rollout {result['holder']} "
        "--why '…'`"
    )
    took = f"{result['seconds']:.1f} s"
    text = f"control serves everyone, verified at the data plane after {took}; {did}"
    show(result, as_json, text + (left if result["holder"] else ""))


@click.command("roll-back", epilog="Example: rollout roll-back --why 'wrong balances'")
@click.option("--rollout", default="", help="Only that one; also tidies what a kill has left.")
@with_reason
@as_json
@against_stack
def roll_back(stack: deployed.Stack, rollout: str, who: str, why: str, as_json: bool) -> None:
    """Serve everyone from the control, now; needs no state machine.

    Closes the flag past any alarm, deletes what is scheduled, stops running executions, and
    verifies at the data plane.
    """
    result = rollouts.roll_back(stack, who or getpass.getuser(), why, rollout)
    did = f"closed the flag of {result['holder'] or 'nobody'}" if result["changed"] else "it was so"
    took = f"{result['seconds']:.1f} s"
    text = f"control serves everyone, verified at the data plane after {took}; {did}"
    show(result, as_json, text)


@click.command(epilog="Example: rollout approve beta-20260314-090000 --why 'a known typo'")
@click.argument("rollout")
@click.option("--evidence", default="", help="The hash you were shown; refused if it has changed.")
@with_reason
@as_json
@against_stack
def approve(
    stack: deployed.Stack, rollout: str, evidence: str, who: str, why: str, as_json: bool
) -> None:
    """Let a rollout that asks go on.

    Refused when the evidence has changed, the deadline has passed, or somebody has answered. A
    plan may ask for two people: then the first approval waits for the second.
    """
    histories.whole(stack, rollout)
    who = who or approving.caller()
    result = approving.approve(stack, rollout, who=who, why=why, evidence=evidence)
    text = f"{rollout}: approved by {result['by']}: {result['why']}"
    if result["answer"] == approving.WANTS_ANOTHER:
        text += f"; another person must approve by {result['deadline']}, or silence rolls back"
    show(result, as_json, text)


@click.command(epilog="Example: rollout reject beta-20260314-090000 --why 'p95 doubled'")
@click.argument("rollout")
@with_reason
@as_json
@against_stack
def reject(stack: deployed.Stack, rollout: str, who: str, why: str, as_json: bool) -> None:
    """Have a rollout that asks roll back. Always taken."""
    histories.whole(stack, rollout)
    result = approving.reject(stack, rollout, who=who or approving.caller(), why=why)
    show(result, as_json, f"{rollout}: rejected by {result['by']}: {why}")


COMMANDS: Final = (kill, roll_back, approve, reject)
