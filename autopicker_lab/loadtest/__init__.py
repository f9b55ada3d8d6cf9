"""Load tests: plans and reports as values, closed and open loops, chat streams measured token by token."""

from autopicker_lab.loadtest.arrivals import Arrivals, Closed, Constant, Poisson, Ramp, Steps, Trace
from autopicker_lab.loadtest.compare import compared, merged
from autopicker_lab.loadtest.distribution import Distribution
from autopicker_lab.loadtest.engine import Progress, in_thread, measure, run
from autopicker_lab.loadtest.plan import IN_PROCESS, Chat, Kind, LoadPlan, Slo
from autopicker_lab.loadtest.plots import percentile_curve
from autopicker_lab.loadtest.prompts import read_prompts, synthetic
from autopicker_lab.loadtest.recorder import Live
from autopicker_lab.loadtest.report import LoadReport, RequestRow
from autopicker_lab.loadtest.saturation import Saturation, saturation
from autopicker_lab.loadtest.studies import Repeats, Sweep, difference, repeat, sweep

__all__ = [
    "IN_PROCESS",
    "Arrivals",
    "Chat",
    "Closed",
    "Constant",
    "Distribution",
    "Kind",
    "Live",
    "LoadPlan",
    "LoadReport",
    "Poisson",
    "Progress",
    "Ramp",
    "Repeats",
    "RequestRow",
    "Saturation",
    "Slo",
    "Steps",
    "Sweep",
    "Trace",
    "compared",
    "difference",
    "in_thread",
    "measure",
    "merged",
    "percentile_curve",
    "read_prompts",
    "repeat",
    "run",
    "saturation",
    "sweep",
    "synthetic",
]
