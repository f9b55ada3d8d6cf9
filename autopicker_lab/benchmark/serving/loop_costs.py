"""What the loop on live traffic costs a gateway: CPU time a request with parts of it on, beside the same with none.

Services with exploration, a canary, shadow, and all of these, at a share of the requests, have their turns in rounds,
on one core, with upstream and client on the other. Compared are turns of one round: a busy machine slows all alike.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median, stdev
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.benchmark.processes import cpu_s, pin
from autopicker_lab.benchmark.serving.client import QUESTION
from autopicker_lab.benchmark.serving.compare import PATH, SERVICE, ask_through, start_autopicker, upstream_server
from autopicker_lab.core import ChatRequest, InvalidRequestError, ModelSpec, RoutePolicy, Tier
from autopicker_lab.core.show import frame
from autopicker_lab.live.audit import open_audit
from autopicker_lab.live.deployments import Deployments
from autopicker_lab.models.openai import OpenAIModel
from autopicker_lab.settings import Settings
from autopicker_lab.storage import open_log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    import psutil

    from autopicker_lab.storage import Decision

OFF = "off"
_MODELS = tuple(
    {"name": name, "quality": quality, "price_in": price, "price_out": price}
    for name, quality, price in (("small", 0.4, 0.1), ("middle", 0.6, 0.5), ("large", 0.95, 2.0))
)
_CANARY = RoutePolicy("canary", (Tier(0, 0.3), Tier(51, 0.9)))
_CONNECTIONS = 16
_SETTLE_S = 0.7  # until what a turn left is written, and asked in the shadow
_QUESTIONS = 1_000_000  # numbers that a turn has for its questions
_WARM = 200
_ALONE = 2_000  # requests that a model is asked without a gateway


class _Variant(NamedTuple):
    settings: tuple[str, ...]
    canary: bool = False


_VARIANTS = {
    OFF: _Variant(()),
    "exploration": _Variant(("EXPLORE",)),
    "canary": _Variant((), canary=True),
    "shadow": _Variant(("SHADOW",)),
    "all": _Variant(("EXPLORE", "SHADOW"), canary=True),
}


PARTS = tuple(name for name in _VARIANTS if name != OFF)


@dataclass(frozen=True)
class LiveCost:
    """What parts of the loop cost.

    Attributes:
        requests: that were answered.
        cpu_us: CPU time of the service for one, microseconds; the median of the turns.
        added: what is above that of the service with nothing on, as a share of it; the median of the rounds.
        error: its standard error, by the differences between rounds.
        asking: what of it is the request that shadow sends to another model, as a model alone costs to be asked.
        explored, shadowed, canaried: shares of the requests that were.
    """

    name: str
    requests: int
    cpu_us: float
    added: float
    error: float
    asking: float
    explored: float
    shadowed: float
    canaried: float

    @property
    def loop(self) -> float:
        """What is added beyond asking: the loop's own part."""
        return self.added - self.asking


def live_costs(
    share: float = 0.1,
    seconds: float = 1.0,
    rounds: int = 20,
    parts: Sequence[str] = PARTS,
    progress: Callable[[str], None] | None = None,
) -> list[LiveCost]:
    """Measure parts of the loop beside nothing.

    Args:
        share: of the requests that is explored, asked in the shadow, and routed by the canary.
        seconds: of each turn.
        rounds: how often each has its turn; every other round goes the other way, so an even number is fairest.
        parts: of PARTS, each a service beside the one with nothing on.
        progress: called with what is done now.

    Raises:
        InvalidRequestError: no such part.
    """
    check_parts(parts)
    tell = progress or (lambda words: None)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = stack.enter_context(upstream_server())
        services: dict[str, tuple[psutil.Process, str]] = {}
        for name in (OFF, *parts):
            tell(name)
            process, base, _ = stack.enter_context(started(folder / name, upstream, name, share))
            ask_through(base + PATH, 8, min(1.0, seconds), False, _QUESTIONS * rounds)
            services[name] = process, base + PATH
        time.sleep(_SETTLE_S)
        turns: list[dict[str, _Measured]] = []
        alone_us = []
        for number in range(rounds):
            tell(f"round {number + 1} of {rounds}{_so_far(turns)}")
            order = list(services) if number % 2 else list(reversed(services))
            turns.append({name: _turn(*services[name], seconds, number) for name in order})
            if number % 5 == 0:
                alone_us.append(_alone_us(upstream))
        rows = {name: kept_rows(folder / name) for name in services}
    return [_cost(name, turns, median(alone_us), rows[name]) for name in services]


def _so_far(turns: Sequence[dict[str, _Measured]]) -> str:
    """What the rounds until now add up to, in words."""
    names = [name for name in turns[0] if name != OFF] if turns else []
    added = [(name, median(turn[name].cpu_us / turn[OFF].cpu_us - 1 for turn in turns)) for name in names]
    return "".join(f", {name} {share:+.1%}" for name, share in added)


def check_parts(parts: Sequence[str]) -> None:
    """InvalidRequestError for a name that is no part of the loop."""
    if unknown := set(parts) - set(PARTS):
        raise InvalidRequestError(f"no part '{unknown.pop()}' of the loop", f"known: {', '.join(PARTS)}")


def live_frame(costs: Sequence[LiveCost]) -> pd.DataFrame:
    """Make a table with a row for what was on; CPU time as shares, seconds and microseconds as named."""
    return frame({**vars(cost), "loop": cost.loop} for cost in costs)


def started(folder: Path, upstream: str, name: str, share: float, program: Sequence[str] = SERVICE) -> Any:
    """Start a service with OFF, or a part of the loop on; `folder` is made for what it keeps."""
    variant = _VARIANTS[name]
    folder.mkdir()
    home = folder / "home"
    settings = {"AUTOPICKER_HOME": str(home), "DECISION_LOG": str(folder / "log.sqlite")}
    for part in variant.settings:
        settings |= {f"{part}_SHARE": str(share), f"{part}_USD": "1000"}
    if variant.canary:
        Deployments(open_audit(Settings.load(autopicker_home=home))).deploy(_CANARY, "benchmark", share=share)
    return start_autopicker(folder, upstream, _MODELS, settings, program)


def kept_rows(folder: Path) -> list[Decision]:
    """The decisions of a service that was started in a folder, oldest first."""
    with closing(open_log(folder / "log.sqlite")) as log:
        return log.rows()


class DrawnShares(NamedTuple):
    """Shares of the answers that were drawn."""

    explored: float
    shadowed: float
    canaried: float


def drawn_of(rows: Sequence[Decision]) -> DrawnShares:
    """What was drawn of the requests of a log."""
    answered = [row for row in rows if row.policy is not None]
    explored = [row for row in answered if row.propensities and _preferred(row.propensities) != row.model]
    canaried = sum(row.policy == _CANARY.id for row in answered)
    return DrawnShares(*(each / len(answered) for each in (len(explored), len(rows) - len(answered), canaried)))


class _Measured(NamedTuple):
    requests: int
    cpu_us: float


def _turn(process: psutil.Process, url: str, seconds: float, number: int) -> _Measured:
    before = cpu_s(process)
    run = ask_through(url, _CONNECTIONS, seconds, False, _QUESTIONS * number)
    time.sleep(_SETTLE_S)
    requests = int(run["requests"])
    return _Measured(requests, (cpu_s(process) - before) / max(1, requests) * 1e6)


def _cost(name: str, turns: Sequence[dict[str, _Measured]], alone_us: float, rows: Sequence[Decision]) -> LiveCost:
    ratios = [turn[name].cpu_us / turn[OFF].cpu_us - 1 for turn in turns]
    drawn = drawn_of(rows)
    off_us = median(turn[OFF].cpu_us for turn in turns)
    return LiveCost(
        name,
        sum(turn[name].requests for turn in turns),
        round(median(turn[name].cpu_us for turn in turns), 1),
        round(median(ratios), 4),
        round(1.25 * stdev(ratios) / len(ratios) ** 0.5, 4) if len(ratios) > 1 else 0.0,  # of a median
        round(drawn.shadowed * alone_us / off_us, 4),
        *(round(share, 4) for share in drawn),
    )


def _preferred(propensities: str) -> str:
    by_model: dict[str, float] = json.loads(propensities)
    return max(by_model, key=by_model.__getitem__)


def _alone_us(upstream: str) -> float:
    """CPU time for which a model of the upstream is asked without a gateway, microseconds, on the gateways' core."""
    command = pin(0, [sys.executable, "-m", __name__, upstream])
    return float(subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout)


async def ask_alone(upstream: str, requests: int, warm: Callable[[], None] | None = None) -> float:
    """CPU time for which a model of an upstream is asked, microseconds; `warm` is called before what is measured."""
    model = OpenAIModel(ModelSpec("instant", "openai", endpoint=upstream))
    request = ChatRequest.of(QUESTION)
    for _ in range(_WARM):
        await model.complete(request)
    if warm is not None:
        warm()
    before = time.process_time()
    for _ in range(requests):
        await model.complete(request)
    used = time.process_time() - before
    await model.close()
    return used / requests * 1e6


if __name__ == "__main__":
    import uvloop

    sys.stdout.write(f"{uvloop.run(ask_alone(sys.argv[1], _ALONE))}\n")
