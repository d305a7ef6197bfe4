"""User id -> bucket 0..9999; routing.py has the arm.

A user's bucket depends on the salt and the user id alone, so it is the same in every sandbox and
on every day, and raising the exposure only ever adds users: cohorts are sticky and nested.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import sha256
from struct import Struct
from typing import Final

BUCKETS: Final = 10_000
CONTROL: Final = "control"
CANDIDATE: Final = "candidate"
_FIRST: Final = Struct(">Q").unpack_from
# How an entry of an allow-list begins that stands for a user without naming one.
MARKED: Final = "sha256:"
_MARK: Final = re.compile(f"{MARKED}[0-9a-f]{{16}}").fullmatch


def bucket(salt: str, user_id: str) -> int:
    """The user's fixed number 0..9999: `hashing`, modulo 10,000.

    The modulo bias over 2**64 values is below 1e-15.
    """
    return hashing(salt)(user_id) % BUCKETS


@lru_cache(maxsize=16)
def hashing(salt: str) -> Callable[[str], int]:
    """The function from user id to hash 0..2**64-1 under this salt, for those who ask often.

    SHA-256 of "salt:user id", first 8 bytes as a big-endian integer. Lone surrogates are hashed,
    not refused: a read must never fail because of the rollout.
    """
    salted = sha256(f"{salt}:".encode("utf-8", "surrogatepass"))

    def hash_of(user_id: str) -> int:
        try:
            data = user_id.encode()  # without arguments it is three times as fast
        except UnicodeEncodeError:
            data = user_id.encode("utf-8", "surrogatepass")
        begun = salted.copy()  # beginning a hash costs more than the rest of it
        begun.update(data)
        number: int = _FIRST(begun.digest())[0]
        return number

    return hash_of


def sampled(salt: str, request_id: str, sample_bps: int) -> bool:
    """Whether this request belongs to a sample of `sample_bps` basis points of requests."""
    return sample_bps > 0 and bucket(salt, request_id) < sample_bps


def mark(salt: str, user_id: str) -> str:
    """What stands for a user in an allow-list: "sha256:" and 16 hexadecimal digits of the hash.

    A mark stays as it is, so that a plan may hold ids or marks. Who has the salt and a list of all
    ids can tell which user it is.
    """
    if user_id.startswith(MARKED):
        return user_id
    return f"{MARKED}{hashing(salt)(user_id):016x}"


def hashes(salt: str, allow_list: Iterable[str]) -> frozenset[int]:
    """The hashes of the users whom an allow-list names, as marks, which rollouts write, or ids.

    A user whose id reads like a mark is not the one the mark stands for.
    """
    hash_of = hashing(salt)
    return frozenset(
        int(entry.removeprefix(MARKED), 16) if _MARK(entry) else hash_of(entry)
        for entry in allow_list
    )
