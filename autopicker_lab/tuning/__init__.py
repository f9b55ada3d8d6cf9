"""Tuning routing on one's own outcomes."""

from autopicker_lab.tuning.collected import CollectionResult
from autopicker_lab.tuning.collector import collect
from autopicker_lab.tuning.drift import Drift, DriftState, measure_drift
from autopicker_lab.tuning.evaluating import evaluate
from autopicker_lab.tuning.judging import WITHIN
from autopicker_lab.tuning.matrix import OutcomeMatrix
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
from autopicker_lab.tuning.new_model import add_model, next_prompts
from autopicker_lab.tuning.outcomes import keep_as_decisions, read_outcomes, validate
from autopicker_lab.tuning.plots import plot_calibration
from autopicker_lab.tuning.promise import Promise, Terms
from autopicker_lab.tuning.questions import Question, read_questions
from autopicker_lab.tuning.release_gate import GateResult, gate
from autopicker_lab.tuning.report import TuningReport
from autopicker_lab.tuning.transfer import transfer_between
from autopicker_lab.tuning.tuner import tune
from autopicker_lab.tuning.verdict import Finding, Null, Saving, Verdict

__all__ = [
    "WITHIN",
    "CollectionResult",
    "Drift",
    "DriftState",
    "Finding",
    "GateResult",
    "Interval",
    "Null",
    "OutcomeMatrix",
    "Promise",
    "Question",
    "Saving",
    "Terms",
    "TuningReport",
    "Verdict",
    "add_model",
    "aiq",
    "apgr",
    "arena_score",
    "bootstrap",
    "collect",
    "cpt",
    "evaluate",
    "expected_calibration_error",
    "gate",
    "keep_as_decisions",
    "measure_drift",
    "next_prompts",
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
