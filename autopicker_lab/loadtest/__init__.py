"""Load tests: plans and reports are values, loops are closed or open, chat streams are measured token by token."""

from autopicker_lab.loadtest.advice import advice_on
from autopicker_lab.loadtest.arrivals import Arrivals, Closed, Constant, Poisson, Ramp, Steps, Trace
from autopicker_lab.loadtest.compare import compare_reports, merge_reports
from autopicker_lab.loadtest.counts import RequestRow
from autopicker_lab.loadtest.distribution import Distribution
from autopicker_lab.loadtest.engine import LiveProgress, measure, run
from autopicker_lab.loadtest.figures import label_of, readable_figures, told_figures
from autopicker_lab.loadtest.plan import IN_PROCESS, Chat, Kind, LoadPlan, Slo
from autopicker_lab.loadtest.plots import percentile_curve
from autopicker_lab.loadtest.prompts import read_prompts, read_trace, synthetic_prompts
from autopicker_lab.loadtest.recorder import Live
from autopicker_lab.loadtest.report import LoadReport
from autopicker_lab.loadtest.saturation import Saturation, find_saturation
from autopicker_lab.loadtest.studies import Repeats, Sweep, compare_servers, repeat, sweep
from autopicker_lab.runtime.event_loop import run_in_thread as in_thread

__all__ = [
    "IN_PROCESS",
    "Arrivals",
    "Chat",
    "Closed",
    "Constant",
    "Distribution",
    "Kind",
    "Live",
    "LiveProgress",
    "LoadPlan",
    "LoadReport",
    "Poisson",
    "Ramp",
    "Repeats",
    "RequestRow",
    "Saturation",
    "Slo",
    "Steps",
    "Sweep",
    "Trace",
    "advice_on",
    "compare_reports",
    "compare_servers",
    "find_saturation",
    "in_thread",
    "label_of",
    "measure",
    "merge_reports",
    "percentile_curve",
    "read_prompts",
    "read_trace",
    "readable_figures",
    "repeat",
    "run",
    "sweep",
    "synthetic_prompts",
    "told_figures",
]
