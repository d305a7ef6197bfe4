"""Which arm answers a user now: the flag and the cohort put together."""

from typing import NamedTuple

from rollout.domain import cohort
from rollout.domain.flag import Flag


class Route(NamedTuple):
    """The arm a user belongs to, and why: the bucket 0..9999 and the exposure in basis points."""

    arm: str
    bucket: int
    exposure_bps: int


def route(flag: Flag, user_id: str, now: float) -> Route:
    """The user's arm at epoch second `now`, by the exposure that is authorised at that moment."""
    exposure = flag.exposure_at(now)
    bucket = cohort.bucket(flag.salt, user_id)
    listed = cohort.listed(user_id, flag.allow_list)
    return Route(cohort.arm(bucket, exposure, listed=listed), bucket, exposure)
