"""The flag's control plane: hosted versions and deployments of AWS AppConfig."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, Self

from botocore.exceptions import ClientError

from rollout.adapters.clients import client
from rollout.domain import flag as flags
from rollout.domain.definition import document_with
from rollout.domain.errors import InvalidInputError
from rollout.domain.flag import Flag
from rollout.settings import Settings, settings

RUNNING: Final = ("DEPLOYING", "BAKING", "VALIDATING")
EFFECTIVE: Final = (*RUNNING, "COMPLETE")


class FlagConflictError(RuntimeError):
    """Somebody else changed the flag, or is changing it, since it was read."""


class FlagMissingError(RuntimeError):
    """The environment has no deployment of the flag that could be read or changed."""


@dataclass(frozen=True)
class Deployed:
    """The flag as last deployed.

    document: the write-format document it stands in. latest_deployment: what the optimistic lock
    is taken on. number, state, at: the deployment that carries the flag, its begin. strange:
    newer documents are deployed, and none of them is ours. version, note: of the document.
    """

    flag: Flag
    document: dict[str, Any]
    latest_deployment: int
    number: int
    state: str
    strange: bool = False
    version: str = ""
    note: str = ""
    at: str = ""


@dataclass(frozen=True)
class Deployment:
    """One deployment: number, state, and who ended it and why ("" while nobody did)."""

    number: int
    state: str
    ended_by: str = ""


class Flags(Protocol):
    """The port: read the deployed flag, deploy another, watch, stop."""

    def current(self, *, ours: bool = False) -> Deployed: ...
    def deploy(self, before: Deployed, flag: Flag, note: str, *, urgent: bool) -> int: ...
    def carried(self, number: int) -> Flag: ...
    def first_note(self, flag: Flag) -> str: ...
    def deployment(self, number: int) -> Deployment: ...
    def running(self) -> Deployment | None: ...
    def stop(self, number: int) -> None: ...


class Served(Protocol):
    """The port: what a reader that starts now is served; raises what the data plane raises."""

    def flag(self) -> Flag: ...


@dataclass(frozen=True)
class AppConfigFlags:
    """Flags on AWS AppConfig, by the ids the template made."""

    api: Any
    application: str
    environment: str
    profile: str
    name: str
    ramp_strategy: str
    urgent_strategy: str

    @classmethod
    def connect(cls, known: Settings | None = None) -> Self:
        """From the environment variables of the function."""
        known = known or settings()
        return cls(
            api=client("appconfig"),
            application=known.text("APPCONFIG_APPLICATION_ID"),
            environment=known.text("APPCONFIG_ENVIRONMENT_ID"),
            profile=known.text("APPCONFIG_PROFILE_ID"),
            name=known.text("FLAG_NAME"),
            ramp_strategy=known.optional("RAMP_STRATEGY_ID"),
            urgent_strategy=known.optional("ROLLBACK_STRATEGY_ID"),
        )

    def current(self, *, ours: bool = False) -> Deployed:
        """The flag carried by the newest deployment that was not rolled back.

        ours: pass over documents that are not ours, so that a rollback has one to write into.
        Raises FlagMissingError before the first deployment, InvalidInputError for a document
        that is not ours.
        """
        deployments, strange = list(self._deployments()), False
        for item in deployments:
            if item["State"] not in EFFECTIVE:
                continue
            try:
                found = self._deployed(item, deployments[0]["DeploymentNumber"])
            except InvalidInputError:
                if not ours:
                    raise
                strange = True
                continue
            return replace(found, strange=strange)
        raise FlagMissingError(
            f"no deployment of flag {self.name} in environment {self.environment}; "
            "deploy the template, it makes the first one"
        )

    def deploy(self, before: Deployed, flag: Flag, note: str, *, urgent: bool) -> int:
        """Store and start deploying `flag`; returns the deployment's number.

        Starting is conditional on the deployment that `before` saw being the latest, so two
        writers cannot both win. AppConfig has no idempotency token: a deployment of ours whose
        answer was lost is recognised by its version. Raises FlagConflictError.
        """
        document = document_with(before.document, self.name, flag)
        version = self._store(document, note)
        try:
            answer = self.api.start_deployment(
                ApplicationId=self.application,
                EnvironmentId=self.environment,
                ConfigurationProfileId=self.profile,
                ConfigurationVersion=str(version),
                DeploymentStrategyId=self.urgent_strategy if urgent else self.ramp_strategy,
                Description=note,
                LatestDeploymentNumber=before.latest_deployment,
            )
        except ClientError as error:
            return self._own_or_conflict(error, version)
        return int(answer["DeploymentNumber"])

    def deployment(self, number: int) -> Deployment:
        """Where deployment `number` stands."""
        answer = self.api.get_deployment(
            ApplicationId=self.application, EnvironmentId=self.environment, DeploymentNumber=number
        )
        ended = [
            f"{event.get('TriggeredBy', 'unknown')}: {event.get('Description', '')}"
            for event in answer.get("EventLog", ())
            if event.get("EventType") in ("ROLLBACK_STARTED", "ROLLBACK_COMPLETED")
        ]
        return Deployment(number, answer["State"], ended[-1] if ended else "")

    def carried(self, number: int) -> Flag:
        """The flag that deployment `number` carried. Raises InvalidInputError, FlagMissingError."""
        for item in self._deployments():
            if item["DeploymentNumber"] == number:
                return self._deployed(item, number).flag
        raise FlagMissingError(f"deployment {number} of flag {self.name} is not listed any more")

    def first_note(self, flag: Flag) -> str:
        """The note with which the newest deployments began to carry this flag as it is.

        Later ones may have changed other flags of the document. "" when the newest carries another.
        """
        note = ""
        for item in self._deployments():
            if item["State"] not in EFFECTIVE:
                continue
            try:
                found = self._deployed(item, item["DeploymentNumber"])
            except InvalidInputError:
                break
            if found.flag != flag:
                break
            note = found.note
        return note

    def running(self) -> Deployment | None:
        """The deployment in progress, or None."""
        for item in self._deployments():
            if item["State"] in RUNNING:
                return Deployment(item["DeploymentNumber"], item["State"])
        return None

    def stop(self, number: int) -> None:
        """End a deployment in progress; one that has ended meanwhile is left alone."""
        try:
            self.api.stop_deployment(
                ApplicationId=self.application,
                EnvironmentId=self.environment,
                DeploymentNumber=number,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "BadRequestException":
                raise

    def _deployments(self) -> Iterator[dict[str, Any]]:
        """Newest first; the first page holds more than any decision needs."""
        answer = self.api.list_deployments(
            ApplicationId=self.application, EnvironmentId=self.environment, MaxResults=50
        )
        yield from sorted(answer["Items"], key=lambda i: i["DeploymentNumber"], reverse=True)

    def _deployed(self, item: dict[str, Any], latest: int) -> Deployed:
        version = str(item["ConfigurationVersion"])
        document, note = self._document(int(version))
        started = item.get("StartedAt")
        return Deployed(
            flag=flags.parse_document(document, self.name),
            document=document,
            latest_deployment=latest,
            number=item["DeploymentNumber"],
            state=item["State"],
            version=version,
            note=note,
            at=started.isoformat(timespec="seconds") if started else "",
        )

    def _document(self, version: int) -> tuple[Any, str]:
        """(the document of a version, None when it is no JSON; its note)."""
        answer = self.api.get_hosted_configuration_version(
            ApplicationId=self.application,
            ConfigurationProfileId=self.profile,
            VersionNumber=version,
        )
        note = str(answer.get("Description", ""))
        try:
            return json.loads(answer["Content"].read()), note
        except ValueError:
            return None, note

    def _store(self, document: dict[str, Any], note: str) -> int:
        answer = self.api.create_hosted_configuration_version(
            ApplicationId=self.application,
            ConfigurationProfileId=self.profile,
            Description=note,
            Content=json.dumps(document).encode(),
            ContentType="application/json",
        )
        return int(answer["VersionNumber"])

    def _own_or_conflict(self, error: ClientError, version: int) -> int:
        if error.response["Error"]["Code"] != "ConflictException":
            raise error
        for item in self._deployments():
            if item["ConfigurationVersion"] == str(version):
                return int(item["DeploymentNumber"])
        raise FlagConflictError("another deployment of the flag is running") from error
