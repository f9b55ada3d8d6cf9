"""python -m autopicker_lab.loadtest PLAN.json REPORT.json [INDEX COUNT]: run a plan, or one process's share of it.

A file `stop` beside the report ends the run early; the report then holds what was measured until then.
"""

import json
import sys
from pathlib import Path

from autopicker_lab.loadtest import LoadPlan, measure
from autopicker_lab.loadtest.distributed import STOP

plan_path, report_path, *part = sys.argv[1:]
plan = LoadPlan.of_dict(json.loads(Path(plan_path).read_text("utf-8")))
if part:
    plan = plan.share(int(part[0]), int(part[1]))

stop = Path(report_path).with_name(STOP)
measure(plan, lambda live: not stop.exists()).save(report_path)
