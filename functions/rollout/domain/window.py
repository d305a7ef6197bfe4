"""What was counted, per arm, over one interval of time."""

from dataclasses import dataclass

from rollout.domain.errors import InvalidInputError


@dataclass(frozen=True)
class _Counts:
    """Counts >= 0. Raises InvalidInputError for anything else, naming the count."""

    def __post_init__(self) -> None:
        values = vars(self).values()
        if set(map(type, values)) == {int} and min(values) >= 0:
            return
        for name, value in vars(self).items():
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise InvalidInputError(
                    field=f"{type(self).__name__}.{name}",
                    value=value,
                    expected="a count: a whole number >= 0",
                )

    def _at_most(self, part: str, whole: str) -> None:
        if getattr(self, part) > getattr(self, whole):
            raise InvalidInputError(
                field=f"{type(self).__name__}.{part}",
                value=getattr(self, part),
                expected=f"at most {whole}, {getattr(self, whole)}",
            )


@dataclass(frozen=True)
class Arm(_Counts):
    """One arm's totals: requests, those that failed, those slower than the arm's cut-off."""

    requests: int = 0
    errors: int = 0
    slow: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._at_most("errors", "requests")
        self._at_most("slow", "requests")


@dataclass(frozen=True)
class Shadow(_Counts):
    """Shadow totals: answers compared, those that differ; reads that failed or came late."""

    compared: int = 0
    mismatched: int = 0
    failed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._at_most("mismatched", "compared")

    @property
    def asked(self) -> int:
        """Shadow reads, whether they could be compared or not."""
        return self.compared + self.failed
