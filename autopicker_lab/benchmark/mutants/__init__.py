"""Damaged files: samples of every format, flipped, cut and spliced, through extraction in killable processes."""

from autopicker_lab.benchmark.mutants.mutations import Mutant, make_mutant
from autopicker_lab.benchmark.mutants.trial import MutantReport, try_mutants

__all__ = ["Mutant", "MutantReport", "make_mutant", "try_mutants"]
