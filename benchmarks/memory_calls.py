"""Every handler of the template as a call, with what is outside of it in memory."""

import json
import pickle  # nosec B403  # from our own parent process
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ops.faults import functions, wire
from ops.faults.appconfig import FLAG_NAME, RAMP, URGENT
from ops.faults.scenarios import SCENARIOS
from ops.faults.services import Account
from ops.faults.world import World
from rollout.adapters import users_control

ROOT: Final = Path(__file__).parents[1]
HANDLERS: Final = re.findall(
    r"Handler: rollout\.handlers\.(\w+)\.handler", (ROOT / "template.yaml").read_text("utf-8")
)
# Of these runs of the playbook, the first call of each function is kept.
RUNS: Final = ("launch", "launch in doubt", "last ramp", "cleanup", "failing launch")
ABORTED: Final = "aborted ramp"
Call = Callable[[int], Any]
Kept = dict[str, bytes]


def placeholder(name: str) -> str:
    """What the definition calls the function of a handler."""
    return "${" + "".join(part.title() for part in name.split("_")) + "FunctionArn}"


def kept_calls() -> Kept:
    """Placeholder, or "guard" and "watchdog" -> the pickled account and event of a call."""
    kept: Kept = {}
    worlds = {scenario.name: scenario.begin() for scenario in SCENARIOS}
    for name in (*RUNS, ABORTED):
        world = worlds[name]
        world.functions = {
            known: _keeping(kept, known, world, function)
            for known, function in world.functions.items()
        }
        world.guard = _keeping(kept, "guard", world, world.guard)
        wire.connect(world.strikes.call)
        world.agenda.settle()
    orphaned = worlds["ramp"].account  # exposed, and nobody drives it any more
    kept["watchdog"] = pickle.dumps((orphaned, None))
    return kept


def _keeping(kept: Kept, name: str, world: World, function: functions.Function) -> Any:
    def call(event: dict[str, Any]) -> dict[str, Any]:
        if name not in kept:
            kept[name] = pickle.dumps((world.account, event))
        return function(event)

    return call


class Sandbox:
    """A handler of the playbook, warm, called again and again in the same moment of an account."""

    def __init__(self, name: str, kept: bytes) -> None:
        self.kept, self.account = kept, Account()
        watch = functions.watching(self.now, self.sleep)
        others = {
            "guard": functions.guarding(self.now, self.sleep),
            "watchdog": lambda _: watch(),
        }
        known = others if name in others else functions.functions(self.now, self.sleep)
        self.function = known[name if name in others else placeholder(name)]

    def now(self) -> float:
        return self.account.clock()

    def sleep(self, seconds: float) -> None:
        self.account.clock.now += seconds

    def __call__(self, _number: int) -> Any:
        event: Any
        self.account, event = pickle.loads(self.kept)  # nosec B301  # ours, see above
        wire.connect(self.account.answer)
        return self.function(event)


def read() -> Call:
    from benchmarks.stand_ins import Nobody, flag_source
    from rollout.adapters.request_log import RequestLog
    from rollout.handlers.read import Ports, read

    source = flag_source(shadow_bps=10_000)
    log = RequestLog("Bench/ReadPath", "read", 60, b"key")
    ports = Ports(source, users_control.user, Nobody(), Nobody(), log)
    return lambda number: read({"userId": f"user-{number + 1}"}, f"request-{number}", ports)


def candidate() -> Call:
    from rollout.adapters.users_candidate import UsersCandidate
    from rollout.handlers.candidate import candidate

    class Connection:
        def run(self, text: str, **values: str) -> list[list[Any]]:
            user = users_control.user(values["id"]) if "id" in values else None
            return [list(user.values())] if user else []

    users = UsersCandidate(lambda _: Connection())
    return lambda number: candidate({"userId": f"user-{number + 1}"}, users)


def compare() -> Call:
    from benchmarks.stand_ins import Answering
    from rollout.adapters.request_log import RequestLog
    from rollout.adapters.shadow import Shadow
    from rollout.domain.observation import Observation
    from rollout.handlers.compare import Ports, compare

    ports = Ports(Answering(), RequestLog("Bench/ReadPath", "read", 60, b"key"))

    def call(number: int) -> Any:
        user_id = f"user-{number + 1}"
        answer = Observation(users_control.user(user_id), "", 0.01)
        return compare(Shadow(user_id, "0" * 16, answer).to_json(), ports)

    return call


def tell_chat() -> Call:
    from rollout.handlers.tell_chat import Ports, tell_chat

    class Taking:
        def post(self, body: dict[str, Any]) -> None:
            json.dumps(body)

    event = _sample("tell_chat.notice")
    return lambda _: tell_chat(event, Ports(Taking(), "slack"))


def before_traffic() -> Call:
    from rollout.adapters.flags import AppConfigFlags
    from rollout.adapters.releases import CodeDeployRelease, LambdaVersions
    from rollout.handlers.before_traffic import Ports, before_traffic

    account, flag = Account(), ("x", "x", "x", FLAG_NAME, RAMP, URGENT)
    more: dict[str, dict[str, Any]] = {
        "list_versions_by_function": {"Versions": [{"Version": "2"}]},
        "get_alias": {"FunctionVersion": "1"},
        "put_lifecycle_event_hook_execution_status": {},
    }

    def answer(service: str, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        if operation in more:
            return more[operation]
        return account.answer(service, operation, given)

    wire.connect(answer)
    versions = LambdaVersions(wire.client("lambda"), ("read:live",))
    release = CodeDeployRelease(wire.client("codedeploy"))
    ports = Ports(AppConfigFlags(wire.client("appconfig"), *flag), versions, release)
    event = _sample("before_traffic.release")
    return lambda _: before_traffic(event, ports)


def _sample(name: str) -> Any:
    return json.loads((ROOT / "events" / f"{name}.json").read_text("utf-8"))


ALONE: Final[dict[str, Callable[[], Call]]] = {
    one.__name__: one for one in (read, candidate, compare, tell_chat, before_traffic)
}


def call_of(name: str, kept: Kept) -> Call:
    """The handler's own function, warm. kept: see kept_calls."""
    if name in ALONE:
        return ALONE[name]()
    return Sandbox(name, kept[name if name in kept else placeholder(name)])
