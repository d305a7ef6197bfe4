"""botocore's signature for a POST of which only time, body and credentials are new each time.

SigV4Auth gathers what it signs from a request object, header by header and twice, which takes
longer than to sign it. That text is put together here; key and signature are botocore's.
Source: IAM user guide, "Create a signed AWS API request".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import quote, urlsplit

from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.exceptions import NoCredentialsError
from botocore.utils import normalize_url_path

DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Address:
    """Where to post to: an absolute URL without a query, a service, and its region."""

    url: str
    service: str
    region: str

    @cached_property
    def host(self) -> str:
        """The Host header: without a port that goes without saying."""
        parts = urlsplit(self.url)
        named = parts.netloc.rpartition("@")[2]
        usual = f":{DEFAULT_PORTS.get(parts.scheme)}"
        return named.removesuffix(usual)

    @cached_property
    def path(self) -> str:
        """The path as it is signed: escaped once more, as every service but S3 wants it."""
        return quote(normalize_url_path(urlsplit(self.url).path), safe="/~")

    def signed(self, credentials: Any, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """The headers to send: those given, which are signed too, and what proves who sends them.

        credentials: botocore's, frozen. headers: names in lower case, values without white space
        around them. Raises NoCredentialsError.
        """
        if credentials is None:
            raise NoCredentialsError
        stamp = datetime.now(UTC).strftime(SIGV4_TIMESTAMP)
        known = {"host": self.host, "x-amz-date": stamp, **headers}
        if credentials.token:
            known["x-amz-security-token"] = credentials.token
        names = sorted(known)
        lines = "".join([f"{name}:{known[name]}\n" for name in names])
        signed, hashed = ";".join(names), sha256(body).hexdigest()
        text = f"POST\n{self.path}\n\n{lines}\n{signed}\n{hashed}"
        known["authorization"] = self._authorization(credentials, stamp, signed, text)
        return known

    def _authorization(self, credentials: Any, stamp: str, signed: str, text: str) -> str:
        auth: Any = SigV4Auth(credentials, self.service, self.region)
        request = SimpleNamespace(context={"timestamp": stamp})
        signature = auth.signature(auth.string_to_sign(request, text), request)
        scope = auth.scope(request)
        return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={signed}, Signature={signature}"
