"""The benchmark of load testers: several side by side, and ours against servers whose behaviour is known."""

from autopicker_lab.benchmark.loadgen.compare import TESTERS, compare_testers
from autopicker_lab.benchmark.loadgen.truth import capacity, stall, tokens

__all__ = ["TESTERS", "capacity", "compare_testers", "stall", "tokens"]
