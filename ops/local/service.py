"""What a local stack serves: a read path with its names, its data and its visitors."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ops import deployed
from ops.local import tables
from ops.local.tables import Table
from ops.local.traffic import Visitors
from rollout.adapters import users_control


@dataclass(frozen=True)
class Service:
    """A read path, deployed from template.yaml.

    stack: the name of the stack. table: what its candidate's database holds. visitors: by a seed,
    an endless iterator of the ids that are asked for. parameters: those of the template in which
    it is not like the users. files: put beside the package in functions/, path there -> file.
    """

    stack: str
    table: Table
    visitors: Callable[[int], Iterator[str]]
    parameters: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)


def _visitors(seed: int) -> Iterator[str]:
    return Visitors(users_control.USERS, seed)


USERS: Final = Service(deployed.DEFAULT_STACK, tables.USERS, _visitors)
