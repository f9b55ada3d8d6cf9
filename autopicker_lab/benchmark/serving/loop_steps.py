"""What the loop on live traffic does to a request before it is routed and after, counted in instructions.

python -m autopicker_lab.benchmark.serving.loop_steps prints, of each part, the instructions a request by callgrind
(https://valgrind.org), which a busy machine does not sway as it does processor time. Beside them stand those of the
least that exploration needs: the terms of a request, one draw, and a text that is logged.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.benchmark.serving.client import QUESTION
from autopicker_lab.core import Candidate, ChatRequest, Complexity, InvalidRequestError, Route, RoutePolicy, Tier
from autopicker_lab.live.audit import open_audit
from autopicker_lab.live.conversations import Conversations, conversation_of, is_begun
from autopicker_lab.live.deployments import Deployments
from autopicker_lab.live.draws import number_of
from autopicker_lab.live.exploration import ExplorationPlan, Explorer
from autopicker_lab.live.rollout import Rollout
from autopicker_lab.live.traffic import RequestTerms
from autopicker_lab.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    Step = Callable[[ChatRequest, Route, str], Any]

PARTS = ("nothing", "the least", "exploration", "canary")
_SHARE = 0.1
_MANY, _FEW = 3000, 1000  # requests, of two runs of which the difference counts
_MODELS = (("small", 0.4), ("middle", 0.6), ("large", 0.95))
_COUNTED = re.compile(r"Collected\s*:\s*(\d+)")


class _Purse:
    left_usd = 1000.0

    def spend(self, usd: float) -> None:
        """Count nothing: the ledger's part is but of what was explored."""


def instructions(progress: Callable[[str], None] | None = None) -> dict[str, float]:
    """Instructions a request of each part, above those of nothing.

    Raises:
        InvalidRequestError: valgrind is not there.
    """
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise InvalidRequestError("instructions are counted by valgrind, which is not there", "apt install valgrind")
    found: dict[str, float] = {}
    for part in PARTS:
        (progress or (lambda words: None))(part)
        few, many = (_counted(valgrind, part, requests) for requests in (_FEW, _MANY))
        found[part] = (many - few) / (_MANY - _FEW)
    return {part: round(found[part] - found["nothing"]) for part in PARTS[1:]}


def _counted(valgrind: str, part: str, requests: int) -> int:
    command = [
        valgrind,
        "--tool=callgrind",
        "--callgrind-out-file=/dev/null",
        sys.executable,
        "-m",
        f"{__package__}.loop_steps",
    ]
    done = subprocess.run([*command, part, str(requests)], capture_output=True, text=True, check=True, timeout=600)
    counted = _COUNTED.search(done.stderr)
    assert counted is not None, done.stderr[-500:]
    return int(counted[1])


def run(part: str, requests: int) -> int:
    """Do a part's steps to so many requests; returns how many of them were given terms."""
    candidates = tuple(Candidate(name, True, "", quality, 0.0001 * quality) for name, quality in _MODELS)
    complexity = Complexity((), 1)
    with tempfile.TemporaryDirectory() as folder, closing(_rollout(Path(folder))) as rollout:
        step = _steps(rollout)[part]
        asked = [ChatRequest.of(f"{QUESTION} {i}") for i in range(requests)]
        routes = [Route("small", ("large", "middle"), candidates, complexity, "p", "r") for _ in asked]
        for i, (request, route) in enumerate(zip(asked, routes, strict=True)):
            step(request, route, f"{i:032x}")
    return sum(request.live is not None for request in asked)


def _rollout(home: Path) -> Rollout:
    settings = Settings.load(autopicker_home=home)
    deployments = Deployments(open_audit(settings))
    deployments.deploy(RoutePolicy("canary", (Tier(0, 0.3),)), "benchmark", share=_SHARE)
    rollout = Rollout(RoutePolicy("stable", (Tier(0, 0.5),)), deployments, Conversations(settings), lambda policy: None)
    rollout.follow()
    return rollout


def _steps(rollout: Rollout) -> dict[str, Step]:
    explorer = Explorer(ExplorationPlan(_SHARE), _Purse())  # type: ignore[arg-type]  # what it asks of an allowance

    def least(request: ChatRequest, route: Route, request_id: str) -> None:
        terms = RequestTerms(None, None, request_id, begun=False)
        request.take_live(terms)
        if number_of(request_id) < 1 - _SHARE:
            terms.propensities = route.model

    def explored(request: ChatRequest, route: Route, request_id: str) -> None:
        terms = RequestTerms(None, explorer, request_id, is_begun(request))
        request.take_live(terms)
        terms.explored(route)

    def canary(request: ChatRequest, route: Route, request_id: str) -> None:
        policy = rollout.policy_in(rollout.state, conversation_of(request, "caller"))
        if policy is not None:
            request.take_live(RequestTerms(policy, None, request_id, is_begun(request)))
        rollout.ended(route.policy, failed=False)

    return dict(zip(PARTS, (lambda *request: None, least, explored, canary), strict=True))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run(sys.argv[1], int(sys.argv[2]))
    else:
        sys.stdout.write("".join(f"{part}: {count:,.0f}\n" for part, count in instructions().items()))
