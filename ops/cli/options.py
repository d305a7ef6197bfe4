"""Options that commands share."""

import os
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import click

from ops import deployed


def against_stack(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which stack, where; the command receives the Stack first."""
    return _stack_options(command, deployed.find)


def beside_stack(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same; the command receives a function that finds the Stack, should it need one."""
    return _stack_options(command, lambda name: partial(deployed.find, name))


def without_stack(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same; the command receives only the stack's name, and asks nobody for it."""
    return _stack_options(command, lambda name: name)


def _stack_options(command: Callable[..., Any], found: Callable[[str], Any]) -> Callable[..., Any]:
    @click.option("--stack", default=deployed.DEFAULT_STACK, show_default=True, help="Stack name.")
    @click.option("--endpoint-url", help="A local stack's address, or AWS_ENDPOINT_URL.")
    @click.option("--region", help="AWS region, or AWS_REGION.")
    @click.option("--profile", help="AWS profile, or AWS_PROFILE.")
    @wraps(command)
    def run(stack: str, endpoint_url: str, region: str, profile: str, **options: Any) -> Any:
        _point(endpoint_url, region, profile)
        return command(found(stack), **options)

    return run


def _point(endpoint_url: str | None, region: str | None, profile: str | None) -> None:
    """boto3 reads its environment; a local stack needs no account, so credentials are made up."""
    chosen = {"AWS_ENDPOINT_URL": endpoint_url, "AWS_REGION": region, "AWS_PROFILE": profile}
    chosen["AWS_DEFAULT_REGION"] = region
    os.environ.update({name: value for name, value in chosen.items() if value})
    if endpoint_url:
        os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
        if not profile:
            os.environ.setdefault("AWS_ACCESS_KEY_ID", "test")
            os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "test")


as_json = click.option("--json", "as_json", is_flag=True, help="One JSON line on standard output.")
who_and_why = [
    click.option("--who", "--by", default="", show_default="your identity", help="Who decides."),
    click.option("--why", required=True, help="The reason, kept with the decision."),
]


def with_reason(command: Callable[..., Any]) -> Callable[..., Any]:
    """--who and --why."""
    for option in reversed(who_and_why):
        command = option(command)
    return command
