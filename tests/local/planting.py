"""A stack whose users' ids, names and addresses are unmistakable, and a story told on it."""

import io
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from typing import Any
from unittest import mock

from ops.local import control_noise, rehearsal, story, traffic
from ops.local.display import table
from ops.local.faults import Faults
from ops.local.load import Load
from ops.local.stack import LocalStack, found
from ops.local.stories import STORIES
from rollout.adapters import clients, users_control
from rollout.adapters.database_login import parse_url
from rollout.adapters.flags import AppConfigFlags
from rollout.domain.flag import Flag
from tests import fakes
from tests.local.running import until

USER = 'Zugvögel/uid"7f3a-'
NAME = "Kanarie Zoë 7f3a"
BODY = "Körper 'body' <7f3a>"
COOKIE = "session=geheim-7f3a-cookie"
# The row of this user makes PostgreSQL quote it: its balance is to be made of its address.
VICTIM = f"{USER}77"
# At these looks it reads: seldom enough that its failures alone call for no rollback.
VISITS = (4, 8)
SPOILT = """
CREATE OR REPLACE VIEW public.users AS
SELECT u.id, u.name, u.email, u.plan,
    (CASE WHEN u.id = {victim} THEN u.email::numeric
        WHEN s.active AND faults.falsified(s) THEN u.balance + 0.01
        ELSE u.balance END)::numeric(12, 2) AS balance,
    u.created_at, u.tags
FROM faults.users u CROSS JOIN faults.settings s;
"""


@dataclass
class Told:
    """A stack on which the story has been told, and what it said on the way."""

    stack: LocalStack
    report: dict[str, Any] = field(default_factory=dict)
    table: str = ""
    progress: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    @property
    def canaries(self) -> dict[str, str]:
        """What must show up nowhere; the tokens are apart."""
        password = parse_url(self.stack.database.url)["password"]
        return {
            "user id": USER,
            "name": NAME,
            "body": BODY,
            "cookie": COOKIE,
            "password": password,
        }


@contextmanager
def planted() -> Iterator[None]:
    """Users by these names, here and in what is deployed."""
    given = tuple(f"{NAME}{number}" for number in range(10))
    deployed = control_noise.deployed
    lines = f"\n\nPREFIX = {USER!r}\nGIVEN = {given!r}\n".encode()

    def with_names(*words: Any) -> dict[str, bytes]:
        files = dict(deployed(*words))
        return {**files, control_noise.CONTROL: files[control_noise.CONTROL] + lines}

    users_control._user.cache_clear()
    with (
        mock.patch.object(users_control, "PREFIX", USER),
        mock.patch.object(users_control, "GIVEN", given),
        mock.patch.object(traffic, "PREFIX", USER),
        mock.patch.object(control_noise, "deployed", with_names),
        mock.patch.dict(os.environ),
    ):
        yield
    users_control._user.cache_clear()


def tell(stack: LocalStack) -> Told:
    """The story of a wrong field and a person who says no; the victim reads on the way."""
    told = Told(stack)
    Faults(stack.database)
    quoted = "'" + VICTIM.replace("'", "''") + "'"
    stack.database.execute(SPOILT.format(victim=quoted))
    clients.client("stepfunctions").meta.events.register(
        "before-parameter-build.sfn.SendTaskSuccess",
        lambda params, **_: told.tokens.append(params["taskToken"]),
    )
    known = STORIES["mismatch"]

    def edit(document: dict[str, Any]) -> None:
        known.edit(document)
        document["cohort"]["allow_list"] = [f"{USER}1", VICTIM]

    def show(progress: story.Progress) -> None:
        told.progress.append(str(progress))
        if len(told.progress) in VISITS:
            stack.read(VICTIM)

    trace, seed = traffic.generate(rehearsal.SEED), rehearsal.SEED
    visitors = traffic.Visitors(users_control.USERS, seed)
    moments = traffic.arrivals(trace, rehearsal.SPEED, seed)
    load = Load(stack.read, moments, visitors, rehearsal.WORKERS)
    load.start()
    try:
        own = replace(known, edit=edit)
        told.report = story.run(own, stack, load, rehearsal.DEFAULT_PLAN, show)
    finally:
        load.stop()
    with redirect_stdout(io.StringIO()) as shown:
        table([told.report])
    told.table = shown.getvalue()
    return told


def strange_requests(stack: LocalStack) -> list[int]:
    """Requests of every shape, good and bad, with planted bodies; their statuses."""
    http = {
        **fakes.event("read.http"),
        "rawPath": f"/users/{VICTIM}",
        "rawQueryString": f"q={BODY}",
        "headers": {"cookie": COOKIE, "authorization": COOKIE},
        "cookies": [COOKIE],
        "body": json.dumps({"note": BODY}),
    }
    rest = {**http, "httpMethod": "POST", "path": f"/users/{VICTIM}", "isBase64Encoded": False}
    shapes: list[Any] = [
        {**http, "pathParameters": {"userId": VICTIM}},
        {**rest, "queryStringParameters": {"userId": f"{USER}1"}, "pathParameters": None},
        {**http, "pathParameters": {"userId": VICTIM * 99}},
        {**http, "pathParameters": {"userId": [VICTIM]}},
        {**rest, "pathParameters": None},
        {"userId": {"of": VICTIM}, "body": BODY},
        [VICTIM, BODY],
    ]
    return [invoked(stack, stack.outputs["ReadAliasArn"], shape)["statusCode"] for shape in shapes]


def invoked(stack: LocalStack, function: str, event: Any) -> Any:
    answer = stack.emulator.client("lambda").invoke(
        FunctionName=function, Payload=json.dumps(event)
    )
    return json.loads(answer["Payload"].read())


def failing_comparisons(stack: LocalStack) -> None:
    """Events that the comparator cannot use, queued as the read path queues them."""
    whole = {"value": {"email": f"{VICTIM}@x"}, "error": "", "duration_ms": 1}
    for event in (
        {"userId": VICTIM, "userHash": VICTIM, "served": "control", "control": whole, "rules": 7},
        {"userId": VICTIM, "control": {VICTIM: BODY}},
        {"userHash": "0123456789abcdef", "userId": {VICTIM: BODY}, "control": whole, "rules": [7]},
    ):
        stack.emulator.client("lambda").invoke(
            FunctionName=f"{stack.outputs['CompareFunctionName']}:live",
            InvocationType="Event",
            Payload=json.dumps(event),
        )


def expose_everybody(stack: LocalStack, read: Callable[[], object]) -> None:
    """By hand, so that the victim's reads fail in the candidate's arm; then a step is scheduled."""
    flags = AppConfigFlags.connect(found(stack).settings())
    everybody = Flag(
        enabled=True,
        candidate_bps=10_000,
        salt="s",
        lease_until=int(time.time()) + 600,
        rollout_id="beta-1",
        phase="canary",
    )
    flags.deploy(flags.current(), everybody, "a test", urgent=True)
    until(lambda: stack.read(f"{USER}1").arm == "candidate", "the candidate answers")
    read()
    step = fakes.event("schedule_next.canary")
    resource = stack.emulator.client("cloudformation").describe_stack_resource(
        StackName=stack.name, LogicalResourceId="ScheduleNextFunction"
    )["StackResourceDetail"]
    invoked(stack, resource["PhysicalResourceId"], step)


def datagrams(daemon: socket.socket) -> Iterator[str]:
    """What X-Ray's daemon was sent."""
    daemon.setblocking(False)
    while True:
        try:
            yield daemon.recv(65_536).decode()
        except BlockingIOError:
            return
