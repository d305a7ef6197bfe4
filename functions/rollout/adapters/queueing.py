"""Lambda's asynchronous Invoke by botocore's signature and transport, without the client.

A client resolves, validates, serialises, asks its hooks and parses at each call, which is most of
what a shadowed read waits for on this side of the network. What it finds out once, address and
region, is taken from it; signing.py signs. docs/decisions/0008 has the reasons.
Source: Lambda API reference, "Invoke"; the statuses and headers are those of botocore's model.
"""

import http.client
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Self
from urllib.parse import quote

import boto3
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ClientError
from botocore.handlers import add_recursion_detection_header
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from rollout.adapters.signing import Address

SOCKET_OPTIONS: Final = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
]
_request: Any = AWSPreparedRequest  # its type stubs know less than its documentation


@dataclass(frozen=True)
class Queueing:
    """Has a client's `invoke`, for InvocationType Event only. One attempt.

    credentials: botocore's, None when there are none; they are renewed by themselves.
    """

    endpoint: str
    region: str
    credentials: Any
    transport: Any

    @classmethod
    def like(cls, client: Any) -> Self:
        """Where, as whom and how patiently the client calls, which boto3's default session made."""
        url, config = client.meta.endpoint_url, client.meta.config
        session: Any = boto3.DEFAULT_SESSION
        made: Any = URLLib3Session  # its type stubs know less than its documentation
        transport = made(
            verify=os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE") or True,
            proxies=get_environ_proxies(url),
            timeout=(config.connect_timeout, config.read_timeout),
            socket_options=SOCKET_OPTIONS,
        )
        return cls(url, client.meta.region_name, session.get_credentials(), transport)

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: str) -> dict[str, Any]:  # noqa: N803  the client's names
        """Raises botocore's errors: ClientError for a refusal, others when nobody answers."""
        address, body = _address(self.endpoint, self.region, FunctionName), Payload.encode()
        current = self.credentials and self.credentials.get_frozen_credentials()
        headers = address.signed(current, {"x-amz-invocation-type": InvocationType}, body)
        headers |= {"user-agent": "rollout-tee", "content-length": str(len(body))}
        # Lambda ends loops of functions by it, and X-Ray joins what was queued to the read.
        add_recursion_detection_header({"headers": headers})
        answer = self.transport.send(_request("POST", address.url, headers, body, False))
        if answer.status_code != http.client.ACCEPTED:
            raise _refusal(answer.status_code, answer.headers)
        return {"StatusCode": answer.status_code}


@lru_cache(maxsize=16)
def _address(endpoint: str, region: str, function: str) -> Address:
    path = f"/2015-03-31/functions/{quote(function, safe='')}/invocations"
    return Address(endpoint + path, "lambda", region)


def _refusal(status: int, headers: Mapping[str, str]) -> ClientError:
    code = headers.get("x-amzn-ErrorType", str(status)).split(":")[0]
    metadata: Any = {"HTTPStatusCode": status}
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": metadata}, "Invoke")
