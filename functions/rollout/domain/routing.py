"""Which arm answers a user now: the flag and the cohort put together."""

from rollout.domain.cohort import CANDIDATE, CONTROL, mark
from rollout.domain.flag import Flag

# The user's arm, and why: the bucket 0..9999 and the exposure in basis points. A bare tuple, since
# one is made at each read: a class would cost as much as the rest of the decision but the hash.
Route = tuple[str, int, int]


def route(flag: Flag, user_id: str, now: float) -> Route:
    """The user's arm at epoch second `now`, by the exposure that is authorised at that moment.

    The candidate iff the bucket is below the exposure, or the user is on the allow-list. A listed
    user counts only while there is any exposure at all, so exposure 0 is always control.
    """
    exposure, bucket = flag.exposure_at(now), flag.bucket_of(user_id)
    exposed = exposure > 0 and (bucket < exposure or (flag.allow_list and _listed(flag, user_id)))
    return (CANDIDATE if exposed else CONTROL), bucket, exposure


def _listed(flag: Flag, user_id: str) -> bool:
    """Whether the allow-list has the user: as a mark, which is what rollouts write, or as an id."""
    listed = flag.allow_list
    return mark(flag.salt, user_id) in listed or user_id in listed
