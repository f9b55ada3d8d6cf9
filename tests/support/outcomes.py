"""Invented outcomes with a known truth: long division is hard for the small model, greetings are easy for both."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

EASY = "Say hello to my neighbour {} in one short friendly sentence."
HARD = "Divide {} by 37 and write the remainder, explaining each step of the long division."
MODELS = ("smollm2-135m", "large")


def table(n: int = 240, seed: int = 0, models: tuple[str, ...] = MODELS, usd: bool = False) -> pd.DataFrame:
    """Half of `n` prompts are easy, half hard: the first model solves 90 % and 10 %, the last 92 % and 90 %."""
    random = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        hard = i % 2
        word = " ".join(random.choice(list("abcdefghijklmnop"), 6))
        prompt = (HARD if hard else EASY).format(f"{random.integers(10**6)} {word}")
        for k, model in enumerate(models):
            chance = np.interp(k / (len(models) - 1), [0, 1], [0.1, 0.9] if hard else [0.9, 0.92])
            row: dict[str, Any] = {
                "prompt_id": f"p{i}",
                "prompt": prompt,
                "task": "division" if hard else "greeting",
                "model": model,
            }
            row["score"] = float(random.random() < chance)
            if usd:
                row["cost_usd"] = 0.001 * 10**k
            rows.append(row)
    return pd.DataFrame(rows)
