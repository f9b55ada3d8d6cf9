"""The benchmark of gateways, each on one core before the same upstream in one run; and the trials that ours stands."""

from autopicker_lab.benchmark.serving.compare import GatewayFigures, compare_gateways, soak, to_frame
from autopicker_lab.benchmark.serving.endurance import EnduranceReport, endure
from autopicker_lab.benchmark.serving.fuzz import FuzzReport, fuzz_service
from autopicker_lab.benchmark.serving.loop_costs import LiveCost, live_costs, live_frame
from autopicker_lab.benchmark.serving.loop_instructions import CountedCost, counted_costs, counted_frame

__all__ = [
    "CountedCost",
    "EnduranceReport",
    "FuzzReport",
    "GatewayFigures",
    "LiveCost",
    "compare_gateways",
    "counted_costs",
    "counted_frame",
    "endure",
    "fuzz_service",
    "live_costs",
    "live_frame",
    "soak",
    "to_frame",
]
