"""Which columns of a table belong to a cascade."""

from __future__ import annotations

from typing import NamedTuple


class CascadeColumns(NamedTuple):
    """The columns of a cascade: of its two models, of answers of the first that are kept, and of those that went up.

    `kept` is `first` itself where signals cost nothing.
    """

    first: int
    then: int
    kept: int
    up: int

    @property
    def singles(self) -> int:
        """How many columns stand before those that a cascade adds."""
        return self.up - (self.kept != self.first)
