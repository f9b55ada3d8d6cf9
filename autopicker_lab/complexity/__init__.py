"""How hard a request looks: a transparent score whose factor points add up to it."""

from autopicker_lab.complexity.heuristic import MAX_POINTS, SCORER, score

__all__ = ["MAX_POINTS", "SCORER", "score"]
