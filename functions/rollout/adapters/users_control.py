"""The control read: in-memory mock data, the read path in service today.

The data are a fixed function of the user's number, so that the candidate's table can be seeded
with the same users and the two sources really agree.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

USERS: Final = 10_000
PREFIX: Final = "user-"
FIRST_SIGN_UP: Final = datetime(2021, 1, 1, tzinfo=UTC)
PLANS: Final = ("free", "free", "free", "pro", "pro", "team")
GIVEN: Final = ("Ada", "Bilal", "Chen", "Divya", "Emil", "Fatou", "Goran", "Hana", "Inés", "Jonas")
FAMILY: Final = ("Aalto", "Bauer", "Costa", "Diallo", "Eriksen", "Fujita", "García", "Haddad")
TAGS: Final = ("beta", "newsletter", "mobile", "desktop", "partner", "trial")


def user(user_id: str) -> dict[str, Any] | None:
    """The user as a JSON-like dict, or None when there is none. Callers must not change it."""
    number = user_id.removeprefix(PREFIX)
    canonical = number.isascii() and number.isdigit() and not number.startswith("0")
    if number == user_id or not canonical or len(number) > len(str(USERS)):
        return None
    return _user(int(number)) if int(number) <= USERS else None


@lru_cache(maxsize=USERS)
def _user(number: int) -> dict[str, Any]:
    digest = hashlib.sha256(f"mock:{number}".encode()).digest()
    given, family = GIVEN[digest[0] % len(GIVEN)], FAMILY[digest[1] % len(FAMILY)]
    cents = int.from_bytes(digest[2:6], "big") % 1_000_000
    joined = FIRST_SIGN_UP + timedelta(minutes=int.from_bytes(digest[6:9], "big") % 2_500_000)
    return {
        "id": f"{PREFIX}{number}",
        "name": f"{given} {family}",
        "email": f"{PREFIX}{number}@example.com",
        "plan": PLANS[digest[9] % len(PLANS)],
        "balance": f"{cents // 100}.{cents % 100:02d}",
        "created_at": f"{joined:%Y-%m-%dT%H:%M:%SZ}",
        "tags": [tag for index, tag in enumerate(TAGS) if digest[10] >> index & 1],
    }
