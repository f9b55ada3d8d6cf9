"""Benchmark notebooks, run with parameters by papermill, and their runs compared."""

from autopicker_lab.benchmark.comparison import compare
from autopicker_lab.benchmark.runner import Parameter, Run, parameters_of, run, save_figures, sweep, swept

__all__ = ["Parameter", "Run", "compare", "parameters_of", "run", "save_figures", "sweep", "swept"]
