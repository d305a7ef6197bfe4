"""AWS AppConfig in memory: versions, one deployment at a time, the optimistic lock, the data plane.

Source: AppConfig user guide and API reference: StartDeployment, StopDeployment, monitors, and
"Retrieving configuration data".
"""

import io
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from ops.faults.wire import RefusedError
from rollout.domain.flag import CLOSED, Flag, parse_document, with_flag

FLAG_NAME: Final = "prismaAdapter"
BAKE_SECONDS: Final = 30.0
RAMP, URGENT = "ramp-strategy", "rollback-strategy"
NOT_YET: Final = float("inf")
MOMENT: Final = 0.001


@dataclass
class Clock:
    """The only time there is, in epoch seconds."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Deployment:
    """One deployment. bakes_until: when it is complete. ended_at: when it was rolled back."""

    number: int
    version: int
    started_at: float
    bakes_until: float
    note: str = ""
    ended_at: float = NOT_YET
    ended_by: str = ""

    def state(self, now: float) -> str:
        if self.ended_at <= now:
            return "ROLLED_BACK"
        return "BAKING" if now < self.bakes_until else "COMPLETE"


@dataclass
class AppConfig:
    """One application, environment and profile, with the template's first deployment made.

    bake_seconds: of the strategies but the urgent one.
    """

    clock: Clock
    bake_seconds: float = BAKE_SECONDS
    versions: list[Any] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    never_completes: bool = False
    flags: dict[int, Flag] = field(default_factory=dict)
    notes: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        empty: dict[str, Any] = {"version": "1", "flags": {}, "values": {}}
        self.versions.append(with_flag(empty, FLAG_NAME, CLOSED))
        self.deployments.append(Deployment(1, 1, 0, 0))

    def effective(self, at: float) -> Deployment:
        """The deployment that is served at epoch second `at`."""
        return [d for d in self.deployments if d.started_at <= at < d.ended_at][-1]

    def flag(self, at: float) -> Flag:
        """The flag of the document that is served at epoch second `at`."""
        version = self.effective(at).version
        if version not in self.flags:
            self.flags[version] = parse_document(self.versions[version - 1], FLAG_NAME)
        return self.flags[version]

    def running(self) -> Deployment | None:
        """The deployment in progress."""
        newest = self.deployments[-1]
        return newest if newest.state(self.clock()) == "BAKING" else None

    def end(self, deployment: Deployment, by: str) -> None:
        """Roll a deployment back."""
        deployment.ended_at, deployment.ended_by = self.clock(), by

    def interfere(self) -> None:
        """Somebody else deploys what is served already, and it bakes."""
        now, version = self.clock(), self.effective(self.clock()).version
        number = len(self.deployments) + 1
        self.deployments.append(Deployment(number, version, now, now + BAKE_SECONDS, "somebody"))

    def edit(self, **changes: Any) -> None:
        """Somebody changes the flag by hand, unless a deployment runs."""
        now = self.clock()
        if self.running():
            return
        document = self.versions[self.effective(now).version - 1]
        self.publish(with_flag(document, FLAG_NAME, replace(self.flag(now), **changes)), "by hand")

    def publish(self, document: dict[str, Any], note: str) -> None:
        """Somebody else's version, deployed without a bake."""
        now, number = self.clock(), len(self.deployments) + 1
        self.versions.append(document)
        self.notes[len(self.versions)] = note
        self.deployments.append(Deployment(number, len(self.versions), now, now, note))

    def list_deployments(self, _: dict[str, Any]) -> dict[str, Any]:
        now = self.clock()
        items = [
            {"DeploymentNumber": d.number, "ConfigurationVersion": str(d.version)}
            | {"State": d.state(now), "StartedAt": datetime.fromtimestamp(d.started_at, UTC)}
            for d in self.deployments[::-1]
        ]
        return {"Items": items}

    def get_hosted_configuration_version(self, given: dict[str, Any]) -> dict[str, Any]:
        document = self.versions[given["VersionNumber"] - 1]
        note = self.notes.get(given["VersionNumber"], "")
        return {"Content": io.BytesIO(json.dumps(document).encode()), "Description": note}

    def create_hosted_configuration_version(self, given: dict[str, Any]) -> dict[str, Any]:
        self.versions.append(json.loads(given["Content"]))
        self.notes[len(self.versions)] = given.get("Description", "")
        return {"VersionNumber": len(self.versions)}

    def start_deployment(self, given: dict[str, Any]) -> dict[str, Any]:
        newest, now = self.deployments[-1], self.clock()
        expected = given.get("LatestDeploymentNumber", newest.number)
        if self.running() or expected != newest.number:
            raise RefusedError("ConflictException", "another deployment is in progress, or newer")
        bake = 0.0 if given["DeploymentStrategyId"] == URGENT else self.bake_seconds
        bake = NOT_YET if self.never_completes and bake else bake
        number, version = newest.number + 1, int(given["ConfigurationVersion"])
        added = Deployment(number, version, now, now + bake, given.get("Description", ""))
        self.deployments.append(added)
        return {"DeploymentNumber": number}

    def get_deployment(self, given: dict[str, Any]) -> dict[str, Any]:
        found = self.deployments[given["DeploymentNumber"] - 1]
        log = [{"EventType": "ROLLBACK_COMPLETED", "TriggeredBy": found.ended_by}]
        ended = found.state(self.clock()) == "ROLLED_BACK"
        return {"State": found.state(self.clock()), "EventLog": log if ended else []}

    def stop_deployment(self, given: dict[str, Any]) -> dict[str, Any]:
        found = self.deployments[given["DeploymentNumber"] - 1]
        if found.state(self.clock()) != "BAKING":
            raise RefusedError("BadRequestException", "the deployment is not in progress")
        self.end(found, "USER")
        return {"State": "ROLLED_BACK"}


@dataclass
class DataPlane:
    """What readers are served. frozen_at: nothing newer is served; garbled: nothing readable."""

    appconfig: AppConfig
    frozen_at: float = NOT_YET
    frozen_until: float = NOT_YET
    garbled_until: float = 0
    tokens: dict[str, bytes] = field(default_factory=dict)

    def seen_at(self) -> float:
        """The epoch second whose document is served now."""
        now = self.appconfig.clock()
        return min(now, self.frozen_at) if now < self.frozen_until else now

    def freeze(self, seconds: float = NOT_YET) -> None:
        """Go on serving what is served now, also when something is deployed at this moment."""
        now = self.appconfig.clock()
        self.frozen_at, self.frozen_until = now - MOMENT, now + seconds

    def flag(self) -> Flag:
        """What is served now, were it readable."""
        return self.appconfig.flag(self.seen_at())

    def start_configuration_session(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"InitialConfigurationToken": self._token(b"")}

    def get_latest_configuration(self, given: dict[str, Any]) -> dict[str, Any]:
        known = self.tokens.pop(given["ConfigurationToken"], None)
        if known is None:
            raise RefusedError("BadRequestException", "a token is used once")
        content = self._content()
        body = io.BytesIO(b"" if content == known else content)
        return {"NextPollConfigurationToken": self._token(content), "Configuration": body}

    def _content(self) -> bytes:
        if self.appconfig.clock() < self.garbled_until:
            return b'{"prismaAdapter": {"enabled": "perhaps"'
        document = self.appconfig.versions[self.appconfig.effective(self.seen_at()).version - 1]
        flag = document["values"][FLAG_NAME]
        # Attributes are served only while the flag is enabled.
        return json.dumps({FLAG_NAME: flag if flag["enabled"] else {"enabled": False}}).encode()

    def _token(self, content: bytes) -> str:
        token = f"token-{len(self.tokens)}-{self.appconfig.clock.now}-{hash(content)}"
        while token in self.tokens:
            token += "+"
        self.tokens[token] = content
        return token
