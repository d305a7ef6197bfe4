"""What AWS refuses, and what cannot be asked, in one line that says what to do next."""

import os
from typing import Any, Final

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

EXPIRED: Final = (
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
)
STRANGE: Final = (
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
)
FORBIDDEN: Final = (
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "UnauthorizedOperation",
)
THROTTLED: Final = ("Throttling", "ThrottlingException", "TooManyRequestsException")
# Of boto3: no credentials, or none that can still be used.
NO_CREDENTIALS: Final = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
)
LOG_IN: Final = "`aws sso login`, or whatever gives you credentials, then try again"


def refused(error: ClientError) -> str:
    """An error answer of AWS: what was refused, and what to do."""
    said: Any = error.response["Error"]
    code = str(said.get("Code", ""))
    text = f"AWS refused {error.operation_name}: {code}: {said.get('Message', '')}"
    return _with(text, _next(code, error.operation_name))


def _next(code: str, operation: str) -> str:
    if code in EXPIRED:
        return f"your credentials have expired: {LOG_IN}"
    if code in STRANGE:
        return "these credentials are not known there: look at --profile, --region, and the clock"
    if code in FORBIDDEN:
        return f"you lack the right to {operation}: `rollout preflight` names what else you lack"
    if code in THROTTLED:
        return "try again in a minute"
    return ""


def not_asked(error: BotoCoreError) -> str:
    """AWS was not reached, or not with these settings; the error as a person may act on it."""
    text = " ".join(f"AWS cannot be asked: {error} {where()}".split())
    if isinstance(error, NO_CREDENTIALS):
        return _with(text, LOG_IN)
    if isinstance(error, exceptions.ProfileNotFound):
        return _with(text, "`aws configure list-profiles` names those there are; give --profile")
    if isinstance(error, exceptions.NoRegionError):
        return _with(text, "give --region, or set AWS_REGION")
    if "sso" in type(error).__name__.lower() or "Token" in type(error).__name__:
        return _with(text, f"your credentials have expired: {LOG_IN}")
    if isinstance(error, exceptions.HTTPClientError | exceptions.ConnectionError):
        return _with(text, "look at --region and --endpoint-url, and at the network")
    return text


def where() -> str:
    """Where AWS was asked, as the environment says."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "unset"
    return f"(region {region}{f', endpoint {endpoint}' if endpoint else ''})"


def _with(text: str, to_do: str) -> str:
    return f"{text.rstrip('. ')}; {to_do}" if to_do else text
