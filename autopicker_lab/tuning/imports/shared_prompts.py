"""Whether prompts that a policy is tuned on stand in the table that it is evaluated on, too."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autopicker_lab.tuning.conversations import text_of
from autopicker_lab.tuning.grouping import copies, near_duplicates

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Leakage:
    """What two tables share.

    Attributes:
        tuning, evaluation: hashes of the sets of prompts, sixteen hexadecimal digits each.
        prompts: of the evaluation. copies: of them that stand in the other, but for case and spaces.
        alike: that differ from one there in a few words, copies included.
    """

    tuning: str
    evaluation: str
    prompts: int
    copies: int
    alike: int

    @property
    def verdict(self) -> str:
        """What that means, in words."""
        if not self.alike:
            return f"none of {self.prompts:,} prompts stands in both"
        what = f"{self.copies:,} of {self.prompts:,} prompts stand in both, {self.alike:,} are alike"
        return f"{what}: figures on them are too good; leave them out of one"


def split_hash(table: pd.DataFrame) -> str:
    """Sixteen hexadecimal digits that two tables share where they hold the same prompts, in any order."""
    prompts = sorted(set(table["prompt"].astype(str)))
    return hashlib.sha256("\0".join(prompts).encode("utf-8", "replace")).hexdigest()[:16]


def leakage(tuning: pd.DataFrame, evaluation: pd.DataFrame) -> Leakage:
    """Compare the prompts of two tables."""
    mine, theirs = (list(table["prompt"].astype(str).unique()) for table in (tuning, evaluation))
    texts = [text_of(prompt) for prompt in (*mine, *theirs)]
    n = len(mine)
    shared = []
    for groups in (copies(texts), near_duplicates(texts)):
        known = set(groups[:n].tolist())
        shared.append(sum(group in known for group in groups[n:].tolist()))
    return Leakage(split_hash(tuning), split_hash(evaluation), len(theirs), shared[0], max(shared))
