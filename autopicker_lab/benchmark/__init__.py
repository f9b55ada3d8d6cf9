"""Benchmark notebooks: papermill runs them with parameters, and their runs can be compared."""

from autopicker_lab.benchmark.comparison import compare
from autopicker_lab.benchmark.runner import Parameter, Run, parameters_of, run, save_figures, sweep, sweep_frame

__all__ = ["Parameter", "Run", "compare", "parameters_of", "run", "save_figures", "sweep", "sweep_frame"]
