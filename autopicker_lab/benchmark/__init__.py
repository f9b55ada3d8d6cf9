"""Benchmark notebooks: papermill runs them with parameters, and their runs can be compared."""

from autopicker_lab.benchmark.comparison import compare, known_runs, plot_ratios, telling
from autopicker_lab.benchmark.figures import save_figures
from autopicker_lab.benchmark.parameters import Parameter, parameters_of
from autopicker_lab.benchmark.runner import Run, run, sweep, sweep_frame

__all__ = [
    "Parameter",
    "Run",
    "compare",
    "known_runs",
    "parameters_of",
    "plot_ratios",
    "run",
    "save_figures",
    "sweep",
    "sweep_frame",
    "telling",
]
