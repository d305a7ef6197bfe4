"""User id -> bucket 0..9999 -> arm.

A user's bucket depends on the salt and the user id alone, so it is the same in every sandbox and
on every day, and raising the exposure only ever adds users: cohorts are sticky and nested.
"""

from collections.abc import Collection
from hashlib import sha256
from struct import Struct
from typing import Final

BUCKETS: Final = 10_000
CONTROL: Final = "control"
CANDIDATE: Final = "candidate"
_FIRST: Final = Struct(">Q").unpack_from


def bucket(salt: str, user_id: str) -> int:
    """The user's fixed number 0..9999.

    SHA-256 of "salt:user id", first 8 bytes as a big-endian integer, modulo 10,000. The modulo
    bias over 2**64 values is below 1e-15. Lone surrogates are hashed, not refused: a read must
    never fail because of the rollout.
    """
    text = f"{salt}:{user_id}"
    try:
        data = text.encode()  # without arguments it is three times as fast
    except UnicodeEncodeError:
        data = text.encode("utf-8", "surrogatepass")
    (number,) = _FIRST(sha256(data).digest())
    return int(number) % BUCKETS


def arm(user_bucket: int, exposure_bps: int, *, listed: bool = False) -> str:
    """Which arm answers: the candidate iff the bucket is below the exposure, or the user listed.

    A listed user counts only while there is any exposure at all, so exposure 0 is always control.
    """
    if exposure_bps <= 0:
        return CONTROL
    return CANDIDATE if listed or user_bucket < exposure_bps else CONTROL


def sampled(salt: str, request_id: str, sample_bps: int) -> bool:
    """Whether this request belongs to a sample of `sample_bps` basis points of requests."""
    return sample_bps > 0 and bucket(salt, request_id) < sample_bps


def listed(user_id: str, allow_list: Collection[str]) -> bool:
    """Whether the plan names the user to be served by the candidate first."""
    return user_id in allow_list
