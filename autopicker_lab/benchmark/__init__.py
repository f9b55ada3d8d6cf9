"""Benchmark notebooks, run with parameters by papermill."""

from autopicker_lab.benchmark.runner import Run, parameters_of, run, save_figures

__all__ = ["Run", "parameters_of", "run", "save_figures"]
