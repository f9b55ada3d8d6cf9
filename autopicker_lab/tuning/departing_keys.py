"""Keys whose requests rank otherwise than the others': whoever writes prompts can choose who answers them.

The share of a key's requests in the upper half of all is compared with the others' by a test of two proportions,
counted for as many keys as are looked at (Bonferroni). What is named is to be looked at: it may ask other things.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from statistics import NormalDist, median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST = 20  # requests of a key that is looked at, and of the others
LEVEL = 0.01  # chance that any key is named where all ask alike
_LEAST = 0.15  # difference of shares that is worth a look


@dataclass(frozen=True)
class DepartingKey:
    """A key, how many requests it sent, its share of them in the upper half, and that of all others."""

    key_id: str
    requests: int
    share: float
    others: float

    def to_dict(self) -> dict[str, Any]:
        """One JSON object."""
        return asdict(self) | {"share": round(self.share, 3), "others": round(self.others, 3)}


def departing_keys(routed: Sequence[tuple[str, float]]) -> tuple[DepartingKey, ...]:
    """The keys that depart, the furthest first, each compared with those left; of each request key and score."""
    found: list[DepartingKey] = []
    left = list(routed)
    looked_at = sum(n >= FEWEST for n in Counter(key for key, _ in left).values())
    limit = NormalDist().inv_cdf(1 - LEVEL / 2 / max(looked_at, 1))
    while (furthest := _furthest(left, limit)) is not None:
        found.append(furthest)
        left = [(key, score) for key, score in left if key != furthest.key_id]
    return tuple(found)


def _furthest(routed: Sequence[tuple[str, float]], limit: float) -> DepartingKey | None:
    """The key that departs furthest from the others; None where none does. `limit` is in standard errors."""
    if not routed:
        return None
    middle, total = median(score for _, score in routed), len(routed)
    requests = Counter(key for key, _ in routed)
    upper: Counter[str] = Counter()
    for key, score in routed:
        upper[key] += 2 * (score > middle) + (score == middle)  # halves: one on the middle is half above it
    overall = upper.total() / 2 / total
    found = None
    for key, n in sorted(requests.items(), key=lambda each: each[1]):  # of two that are as far, the smaller departs
        rest = total - n
        if min(n, rest) < FEWEST:
            continue
        share, others = upper[key] / 2 / n, (upper.total() - upper[key]) / 2 / rest
        error = math.sqrt(overall * (1 - overall) * (1 / n + 1 / rest))
        apart = abs(share - others)
        if apart > max(limit * error, _LEAST) and (found is None or apart > abs(found.share - found.others)):
            found = DepartingKey(key, n, share, others)
    return found
