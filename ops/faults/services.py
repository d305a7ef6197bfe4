"""The other services in memory, as far as the playbook uses them."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from ops.faults.appconfig import AppConfig, Clock, DataPlane
from ops.faults.wire import RefusedError
from rollout.adapters import users_control
from rollout.domain.cohort import CANDIDATE

REQUESTS_PER_SECOND: Final = 20
ALARM: Final = "error-rate"


@dataclass
class CloudWatch:
    """Counts of a steady traffic under the flag as it was, and one alarm.

    failing, differing: shares of the candidate's answers, where from_bps or more are exposed, until
    it is repaired_at that moment.
    status: of every answer. empty_from: nothing is counted later. late_seconds: how long a point
    takes to become visible.
    """

    appconfig: AppConfig
    failing: float = 0.0
    differing: float = 0.0
    from_bps: int = 0
    repaired_at: float = float("inf")
    status: str = "Complete"
    empty_from: float = float("inf")
    late_seconds: float = 0.0
    ringing: bool = False
    actions_enabled: bool = True

    def get_metric_data(self, given: dict[str, Any]) -> dict[str, Any]:
        start, end = given["StartTime"].timestamp(), given["EndTime"].timestamp()
        visible = min(end, self.appconfig.clock() - self.late_seconds, self.empty_from)
        results = []
        for query in given["MetricDataQueries"]:
            period = query["MetricStat"]["Period"]
            stamps = [at for at in range(int(start), int(end), period) if at + period <= visible]
            results.append(
                {
                    "Id": query["Id"],
                    "StatusCode": self.status,
                    "Timestamps": [datetime.fromtimestamp(at, UTC) for at in stamps],
                    "Values": [self._value(query["MetricStat"], at) for at in stamps],
                }
            )
        return {"MetricDataResults": results}

    def _value(self, stat: dict[str, Any], at: float) -> float:
        metric = stat["Metric"]
        if metric["MetricName"] == "Latency":
            return 20.0
        flag = self.appconfig.flag(at)
        requests = REQUESTS_PER_SECOND * stat["Period"]
        exposure = flag.exposure_at(at)
        live = requests * exposure // 10_000
        harmful = exposure >= self.from_bps and at < self.repaired_at
        compared = (requests - live) * flag.shadow_at(at) // 10_000
        (arm,) = [d["Value"] for d in metric["Dimensions"] if d["Name"] == "arm"]
        counts = {
            ("Requests", "control"): requests - live,
            ("Requests", CANDIDATE): live,
            ("Errors", CANDIDATE): round(live * self.failing * harmful),
            ("Compared", "shadow"): compared,
            ("Mismatched", "shadow"): round(compared * self.differing * harmful),
        }
        return float(counts.get((metric["MetricName"], arm), 0))

    def describe_alarms(self, _: dict[str, Any]) -> dict[str, Any]:
        state = "ALARM" if self.ringing else "OK"
        alarm = {"AlarmName": ALARM, "StateValue": state, "ActionsEnabled": self.actions_enabled}
        return {"MetricAlarms": [alarm]}

    def disable_alarm_actions(self, _: dict[str, Any]) -> dict[str, Any]:
        self.actions_enabled = False
        return {}

    def enable_alarm_actions(self, _: dict[str, Any]) -> dict[str, Any]:
        self.actions_enabled = True
        return {}


@dataclass
class Scheduler:
    """One-time schedules by name, each deleted when it has fired."""

    pending: dict[str, tuple[float, dict[str, Any]]] = field(default_factory=dict)

    def create_schedule(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["Name"] in self.pending:
            raise RefusedError("ConflictException", "there is such a schedule")
        text = given["ScheduleExpression"].removeprefix("at(").removesuffix(")")
        at = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
        self.pending[given["Name"]] = (at, json.loads(given["Target"]["Input"]))
        return {"ScheduleArn": "arn:schedule"}

    def list_schedules(self, given: dict[str, Any]) -> dict[str, Any]:
        names = [name for name in self.pending if name.startswith(given.get("NamePrefix", ""))]
        return {"Schedules": [{"Name": name} for name in names]}

    def delete_schedule(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["Name"] not in self.pending:
            raise RefusedError("ResourceNotFoundException", "there is no such schedule")
        del self.pending[given["Name"]]
        return {}


@dataclass
class Topic:
    """What people were told, and programs."""

    told: list[str] = field(default_factory=list)
    documents: list[dict[str, Any]] = field(default_factory=list)

    def publish(self, given: dict[str, Any]) -> dict[str, Any]:
        bodies = json.loads(given["Message"])
        self.told.append(bodies["email"])
        self.documents.append(json.loads(bodies["default"]))
        return {"MessageId": "1"}


@dataclass
class Parameters:
    """Task tokens of the questions that were put."""

    tokens: dict[str, str] = field(default_factory=dict)

    def put_parameter(self, given: dict[str, Any]) -> dict[str, Any]:
        self.tokens[given["Name"]] = given["Value"]
        return {}

    def delete_parameter(self, given: dict[str, Any]) -> dict[str, Any]:
        if self.tokens.pop(given["Name"], None) is None:
            raise RefusedError("ParameterNotFound", given["Name"])
        return {}


@dataclass
class Functions:
    """The candidate, and an alias that splits nothing."""

    broken: bool = False

    def get_alias(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"Name": "live"}

    def invoke(self, given: dict[str, Any]) -> dict[str, Any]:
        user = users_control.user(json.loads(given["Payload"])["userId"])
        answer = {"user": None, "error": "OSError"} if self.broken else {"user": user, "error": ""}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


@dataclass
class StateMachines:
    """The executions that run: name -> input. They are the world's, not the account's."""

    running: Mapping[str, dict[str, Any]] = field(default_factory=dict)

    def __deepcopy__(self, _: Any) -> "StateMachines":
        return StateMachines()

    def list_executions(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"executions": [{"executionArn": f"arn:{name}"} for name in self.running]}

    def describe_execution(self, given: dict[str, Any]) -> dict[str, Any]:
        name = given["executionArn"].removeprefix("arn:")
        return {"name": name, "input": json.dumps(self.running[name])}


@dataclass
class Account:
    """All of them, on one clock."""

    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.appconfig = AppConfig(self.clock)
        self.appconfigdata = DataPlane(self.appconfig)
        self.cloudwatch = CloudWatch(self.appconfig)
        self.scheduler, self.sns = Scheduler(), Topic()
        self.ssm, self.functions = Parameters(), Functions()
        self.stepfunctions = StateMachines()

    def answer(self, service: str, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        """What the service answers; raises RefusedError."""
        kept = self.functions if service == "lambda" else getattr(self, service)
        found: dict[str, Any] = getattr(kept, operation)(given)
        return found
