"""The gateway beside its peers: the same instant upstream behind each, one core for each, in one run."""

from autopicker_lab.benchmark.serving.compare import Figures, compare, soak, to_frame

__all__ = ["Figures", "compare", "soak", "to_frame"]
