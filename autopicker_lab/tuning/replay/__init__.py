"""What a policy would have earned on logged traffic: off-policy estimates, with what the log cannot tell."""

from autopicker_lab.tuning.replay.log_rows import TrafficLog, read_log
from autopicker_lab.tuning.replay.replaying import replay
from autopicker_lab.tuning.replay.report import Estimate, Estimates, ReplayReport

__all__ = ["Estimate", "Estimates", "ReplayReport", "TrafficLog", "read_log", "replay"]
