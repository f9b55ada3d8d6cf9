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
        return asdict(self)


def departing_keys(routed: Sequence[tuple[str, float]]) -> tuple[DepartingKey, ...]:
    """The keys that depart, the furthest first; of each request its key and routing score."""
    if not routed:
        return ()
    middle, total = median(score for _, score in routed), len(routed)
    requests = Counter(key for key, _ in routed)
    upper = Counter(key for key, score in routed if score > middle)
    looked_at = [key for key, n in requests.items() if FEWEST <= n <= total - FEWEST]
    limit = NormalDist().inv_cdf(1 - LEVEL / 2 / max(len(looked_at), 1))
    overall = upper.total() / total
    found = []
    for key in looked_at:
        n, rest = requests[key], total - requests[key]
        share, others = upper[key] / n, (upper.total() - upper[key]) / rest
        error = math.sqrt(overall * (1 - overall) * (1 / n + 1 / rest))
        if abs(share - others) > max(limit * error, _LEAST):
            found.append(DepartingKey(key, n, round(share, 3), round(others, 3)))
    return tuple(sorted(found, key=lambda key: -abs(key.share - key.others)))
