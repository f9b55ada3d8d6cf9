"""The processor cores that this process may use."""

from __future__ import annotations

import os
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of control groups, version 2: microseconds in each period


def usable_cores() -> int:
    """Cores by the process's affinity and its control group's quota, where the system has these; at least 1."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = _QUOTA.read_text("ascii").split()
        allowed = min(allowed, int(quota) // int(period))
    except (OSError, ValueError, ZeroDivisionError):  # no control group, or "max"
        pass
    return max(1, allowed)
