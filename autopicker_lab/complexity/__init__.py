"""Complexity of requests: a transparent score, 0 to 100, to which the points of its factors add up."""

from autopicker_lab.complexity.heuristic import MAX_POINTS, SCORER, score

__all__ = ["MAX_POINTS", "SCORER", "score"]
