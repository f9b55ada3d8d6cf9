"""Tuning routing on one's own outcomes."""

from autopicker_lab.tuning.collector import CollectionResult, Question, collect, read_questions
from autopicker_lab.tuning.drift import Drift, drift
from autopicker_lab.tuning.matrix import OutcomeMatrix, board
from autopicker_lab.tuning.metrics import (
    Interval,
    aiq,
    apgr,
    arena_score,
    bootstrap,
    cpt,
    expected_calibration_error,
    paraphrase_stability,
    pgr,
    psi,
    quality_curve,
)
from autopicker_lab.tuning.outcomes import keep_as_decisions, read_outcomes, validate
from autopicker_lab.tuning.release_gate import GateResult, gate
from autopicker_lab.tuning.report import TuningReport, plot_calibration
from autopicker_lab.tuning.transfer import transfer_between
from autopicker_lab.tuning.tuner import evaluate, tune

__all__ = [
    "CollectionResult",
    "Drift",
    "GateResult",
    "Interval",
    "OutcomeMatrix",
    "Question",
    "TuningReport",
    "aiq",
    "apgr",
    "arena_score",
    "board",
    "bootstrap",
    "collect",
    "cpt",
    "drift",
    "evaluate",
    "expected_calibration_error",
    "gate",
    "keep_as_decisions",
    "paraphrase_stability",
    "pgr",
    "plot_calibration",
    "psi",
    "quality_curve",
    "read_outcomes",
    "read_questions",
    "transfer_between",
    "tune",
    "validate",
]
