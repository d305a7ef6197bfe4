"""Which arm answers a user now: the flag and the cohort put together."""

from rollout.domain.cohort import BUCKETS, CANDIDATE, CONTROL
from rollout.domain.flag import Flag

# The user's arm, and why: the bucket 0..9999 and the exposure in basis points. A bare tuple, since
# one is made at each read: a class would cost as much as the rest of the decision but the hash.
Route = tuple[str, int, int]


def route(flag: Flag, user_id: str, now: float) -> Route:
    """The user's arm at epoch second `now`, by the exposure that is authorised at that moment.

    The candidate iff the bucket is below the exposure, or the user is on the allow-list. A listed
    user counts only while there is any exposure at all, so exposure 0 is always control.
    """
    exposure, hashed = flag.exposure_at(now), flag.hash_of(user_id)
    bucket = hashed % BUCKETS
    exposed = exposure > 0 and (bucket < exposure or hashed in flag.listed)
    return (CANDIDATE if exposed else CONTROL), bucket, exposure
