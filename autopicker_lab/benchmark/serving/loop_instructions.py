"""What the loop on live traffic costs a gateway in instructions of all its threads, which no neighbour can disturb.

Each service runs under valgrind's callgrind, is asked questions one after the other once it is warm, and is ended,
which writes what waits: the end is counted, too. Taken off is what the service does in as many seconds without a
request. Not counted are the kernel, and collections of garbage.

python -m autopicker_lab.benchmark.serving.loop_instructions UPSTREAM REQUESTS asks a model without a gateway.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from autopicker_lab.benchmark.serving import loop_costs
from autopicker_lab.benchmark.serving.client import QUESTION
from autopicker_lab.benchmark.serving.compare import HERE, KEY, PATH, upstream_server
from autopicker_lab.benchmark.serving.loop_costs import OFF, PARTS, DrawnShares
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.show import frame

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

_WARM = 150  # requests that are not counted
_STARTS_S, _IDLE_S, _ENDS_S = 120.0, 4.0, 300.0
_FROM = 10**8  # number of the first question that is not counted
_TOTAL = re.compile(r"^totals: (\d+)", re.MULTILINE)
_VALGRIND = ("valgrind", "--tool=callgrind", "--quiet", "--instr-atstart=no")


class CountedCost(NamedTuple):
    """What a request takes with parts of the loop on.

    Attributes:
        instructions: of the whole service, for one request.
        added: what is above that of the service with nothing on, as a share of it.
        asking: what of it is the request that shadow sends to another model, as a model alone takes to be asked.
        explored, shadowed, canaried: shares of the requests that were.
    """

    name: str
    instructions: int
    added: float
    asking: float
    explored: float
    shadowed: float
    canaried: float

    @property
    def loop(self) -> float:
        """What is added beyond asking: the loop's own part."""
        return self.added - self.asking


def counted_costs(
    requests: int = 1000,
    share: float = 0.1,
    parts: Sequence[str] = PARTS,
    progress: Callable[[str], None] | None = None,
) -> list[CountedCost]:
    """Count instructions with parts of the loop on, and with nothing.

    Args:
        requests: that are counted of each service.
        share: of these that is explored, asked in the shadow, and routed by the canary.

    Raises:
        InvalidRequestError: valgrind is not installed, or there is no such part.
    """
    loop_costs.check_parts(parts)
    if shutil.which("valgrind") is None:
        raise InvalidRequestError("instructions are counted by valgrind", "install it: apt install valgrind")
    tell = progress or (lambda words: None)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = stack.enter_context(upstream_server())
        found = {}
        for name in (OFF, *parts):
            tell(name)
            found[name] = _counted(folder / name, upstream, name, share, requests), _drawn(folder / name, requests)
        tell("a model alone")
        alone = _alone(folder / "alone.out", upstream, requests)
    off = found[OFF][0]
    return [
        CountedCost(
            name,
            round(counted / requests),
            round(counted / off - 1, 4),
            round(drawn.shadowed * alone / off, 4),
            *(round(share, 4) for share in drawn),
        )
        for name, (counted, drawn) in found.items()
    ]


def counted_frame(costs: Sequence[CountedCost]) -> pd.DataFrame:
    """Make a table with a row for what was on; what is added as shares of a request with nothing on."""
    return frame({**cost._asdict(), "loop": cost.loop} for cost in costs)


def _counted(folder: Path, upstream: str, part: str, share: float, requests: int) -> int:
    """Instructions of a service for so many requests, and for its end."""
    file = folder.with_suffix(".out")
    callgrind = [*_VALGRIND, f"--callgrind-out-file={file}", sys.executable]
    program = ["env", "PYTHONHASHSEED=0", *callgrind, "-m", f"{HERE}.counted_service"]
    with loop_costs.started(folder, upstream, part, share, program) as (process, base, _):
        _ask(base, _WARM, _FROM)
        _control("--instr=on", process.pid)
        began_at = time.monotonic()
        _ask(base, requests, 0)
        seconds = time.monotonic() - began_at
        _control("--dump", process.pid)
        time.sleep(_IDLE_S)
        _control("--dump", process.pid)
        process.terminate()
        process.wait(_ENDS_S)
    asked, idle, end = (_instructions(Path(f"{file}{dump}")) for dump in (".1", ".2", ""))
    return round(asked - idle / _IDLE_S * seconds) + end


def _drawn(folder: Path, requests: int) -> DrawnShares:
    """What was drawn of the last requests of a service."""
    rows = loop_costs.kept_rows(folder)
    first = sorted(row.created for row in rows if row.policy is not None)[-requests]
    return loop_costs.drawn_of([row for row in rows if row.created >= first])


def _alone(file: Path, upstream: str, requests: int) -> int:
    """Instructions for which a model of the upstream is asked so often without a gateway."""
    program = [sys.executable, "-m", f"{HERE}.loop_instructions", upstream, str(requests)]
    subprocess.run([*_VALGRIND, f"--callgrind-out-file={file}", *program], check=True, capture_output=True)
    return _instructions(file)


def _control(order: str, process: int) -> None:
    """Have callgrind count what a process does from now on, or write what it has counted since the last time."""
    subprocess.run(["callgrind_control", order, str(process)], check=True, capture_output=True)


def _instructions(file: Path) -> int:
    return sum(map(int, _TOTAL.findall(file.read_text(errors="replace"))))


def _ask(base: str, requests: int, first: int) -> None:
    """Ask so many questions one after the other, each with a number of its own; the first as often as it takes."""
    parts = urlsplit(base)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_ENDS_S)
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    give_up_at = time.monotonic() + _STARTS_S
    number = first
    while number < first + requests:
        messages = [{"role": "user", "content": f"{QUESTION} {number:09}"}]
        connection.request("POST", PATH, json.dumps({"model": "auto", "messages": messages}), headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200:
            number += 1
        elif number > first or time.monotonic() > give_up_at:
            raise RuntimeError(f"the service answered {answer.status} to question {number}")
        else:  # it has not seen its models yet
            time.sleep(1)
    connection.close()


if __name__ == "__main__":
    import uvloop

    uvloop.run(loop_costs.ask_alone(sys.argv[1], int(sys.argv[2]), lambda: _control("--instr=on", os.getpid())))
    os._exit(0)  # the end of the interpreter is not counted
