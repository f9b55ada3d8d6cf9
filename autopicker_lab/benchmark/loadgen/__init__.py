"""Load testers side by side, and ours against servers whose truth is known."""

from autopicker_lab.benchmark.loadgen.compare import TESTERS, compare
from autopicker_lab.benchmark.loadgen.truth import capacity, stall, tokens

__all__ = ["TESTERS", "capacity", "compare", "stall", "tokens"]
