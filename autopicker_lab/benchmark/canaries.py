"""How canaries end that are as good as the stable policy, worse, or better, when they are looked at again and again."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.show import frame
from autopicker_lab.live.canary import Advice, Arm, Guardrails, judge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pandas as pd

KINDS: Mapping[str, float] = MappingProxyType({"equal": 0.0, "worse": -0.15, "better": 0.15})  # of mean score
_STABLE = 0.7  # mean score
_LOOKS = 40


def endings(
    requests: int = 4000, share: float = 0.1, tries: int = 100, seed: int = 0, kinds: Mapping[str, float] = KINDS
) -> pd.DataFrame:
    """One row a kind of canary and number of requests: shares of the tries that were promoted and rolled back by then.

    Answers are right or wrong, their seconds and USD are drawn of one distribution for both policies; what a canary is
    advised the first time that it is more than to continue ends it.

    Args:
        requests: of both policies, looked at forty times. share: of them that the canary gets.
        kinds: by name, the mean score that the canary has more than the stable policy's 0.7.
    """
    import numpy as np

    looks = np.linspace(requests / _LOOKS, requests, _LOOKS).astype(int)
    rows = []
    for kind, lead in kinds.items():
        random = np.random.default_rng(seed)
        ended = [_ended(looks, share, lead, random) for _ in range(tries)]
        for look in looks.tolist():
            by_then = [advice for at, advice in ended if at <= look]
            promoted, rolled_back = (by_then.count(each) / tries for each in (Advice.PROMOTE, Advice.ROLL_BACK))
            rows.append({"canary": kind, "requests": look, "promoted": promoted, "rolled_back": rolled_back})
    return frame(rows)


def _ended(looks: Sequence[int] | Any, share: float, lead: float, random: np.random.Generator) -> tuple[float, Advice]:
    """At how many requests a canary ends, and how; infinitely many where it does not."""
    import numpy as np

    n = int(looks[-1])
    gets_it = random.random(n) < share
    scores = (random.random(n) < np.where(gets_it, _STABLE + lead, _STABLE)).astype(float)
    seconds, usd = random.lognormal(0, 0.5, n), random.lognormal(-7, 0.5, n)
    stable, canary = arms = Arm(), Arm()
    before = 0
    for look in looks:
        for arm, mine in zip(arms, (False, True), strict=True):
            arm.take(*(v[before:look][gets_it[before:look] == mine].tolist() for v in (scores, usd, seconds)))
        before = look
        advice = judge(stable, canary, Guardrails()).advice
        if advice is not Advice.CONTINUE:
            return float(look), advice
    return float("inf"), Advice.CONTINUE
