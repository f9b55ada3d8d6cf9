"""How good a router between a weak and a strong model is. Arrays have one entry a prompt.

PGR, APGR and CPT are defined in Ong et al., "RouteLLM: Learning to Route LLMs with Preference Data" (2024),
https://arxiv.org/abs/2406.18665, section 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]


def quality_curve(order: Array, weak: Array, strong: Array, bins: int = 10) -> tuple[Array, Array]:
    """Mean quality when the share 0, 1/bins ... 1 of prompts that rank highest in `order` goes to the strong model.

    Returns:
        shares and qualities, each of shape (bins + 1,).
    """
    import numpy as np

    gains = (strong - weak)[np.argsort(-order, kind="stable")]
    total = np.concatenate([[0.0], np.cumsum(gains)])
    shares = np.linspace(0, 1, bins + 1)
    return shares, (weak.sum() + total[np.round(shares * len(weak)).astype(int)]) / len(weak)


def pgr(quality: float, weak: float, strong: float) -> float | None:
    """Performance gap recovered: 0 at the weak model's quality, 1 at the strong one's; None where they are equal."""
    return None if strong == weak else (quality - weak) / (strong - weak)


def apgr(order: Array, weak: Array, strong: Array, bins: int = 10) -> float | None:
    """Average PGR over the share of strong calls: trapezoids over `bins` equal shares. 0.5 is what chance gives."""
    import numpy as np

    shares, qualities = quality_curve(order, weak, strong, bins)
    low, high = float(weak.mean()), float(strong.mean())
    return None if high == low else float(np.trapezoid((qualities - low) / (high - low), shares))


def cpt(order: Array, weak: Array, strong: Array, target: float) -> float | None:
    """Call-performance threshold: the least share of strong calls at which PGR first reaches `target` (0 to 1)."""
    shares, qualities = quality_curve(order, weak, strong, bins=len(weak))
    low, high = float(weak.mean()), float(strong.mean())
    if high == low:
        return None
    reached = (qualities - low) / (high - low) >= target
    return float(shares[reached.argmax()]) if reached.any() else None


def bootstrap_apgr(
    order: Array, weak: Array, strong: Array, *, rounds: int = 1000, level: float = 0.95, seed: int = 0
) -> tuple[float, float] | None:
    """Percentile bootstrap interval of APGR over prompts (Efron, 1979); None where APGR is undefined."""
    import numpy as np

    random = np.random.default_rng(seed)
    values = []
    for _ in range(rounds):
        chosen = random.integers(0, len(weak), len(weak))
        value = apgr(order[chosen], weak[chosen], strong[chosen])
        if value is not None:
            values.append(value)
    if not values:
        return None
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
