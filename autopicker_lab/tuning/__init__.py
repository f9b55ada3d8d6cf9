"""Tuning routing on one's own outcomes."""

from autopicker_lab.tuning.metrics import apgr, bootstrap_apgr, cpt, pgr, quality_curve
from autopicker_lab.tuning.outcomes import read_outcomes, validate, wide
from autopicker_lab.tuning.threshold import TuningReport, fit_threshold

__all__ = [
    "TuningReport",
    "apgr",
    "bootstrap_apgr",
    "cpt",
    "fit_threshold",
    "pgr",
    "quality_curve",
    "read_outcomes",
    "validate",
    "wide",
]
