import json
import random
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.gateway import gateway
from support.upstream import soon

from autopicker_lab.complexity import score
from autopicker_lab.core import Candidate, ChatRequest, Route
from autopicker_lab.live.allowance import Allowance
from autopicker_lab.live.exploration import ExplorationPlan, Explorer, drawn
from autopicker_lab.settings import ModelConfig
from autopicker_lab.storage.decisions import open_log
from autopicker_lab.storage.ledger import Ledger

COMPLEXITY = score(ChatRequest.of("Hello"))


def route(*candidates: tuple[str, bool, float, float]) -> Route:
    """The first candidate is chosen; each is (model, kept, quality, cost in USD)."""
    listed = tuple(Candidate(name, kept, "", quality, usd) for name, kept, quality, usd in candidates)
    kept = [c.model for c in listed if c.kept]
    return Route(kept[0], tuple(kept[1:]), listed, COMPLEXITY, "p-1", "it is best", promise={"loss": 0.1})


class Purse:
    """An allowance that is spent from a list."""

    def __init__(self, usd: float, spent: list[float]):
        self.usd, self.spent, self.spend = usd, spent, spent.append

    @property
    def left_usd(self) -> float:
        return self.usd - sum(self.spent)


def explorer(share: float = 0.1, left: float = 1.0, seed: int = 0) -> tuple[Explorer, list[float]]:
    spent: list[float] = []
    allowance: Any = Purse(left, spent)
    return Explorer(ExplorationPlan(share, seed), allowance), spent


def propensities(told: str | None) -> dict[str, float]:
    found: dict[str, float] = json.loads(told or "{}")
    return found


THREE = route(("a", True, 0.9, 0.0), ("b", True, 0.6, 0.0), ("c", True, 0.97, 0.0), ("blind", False, 0.5, 0.0))


def test_models_are_drawn_as_often_as_their_propensities_say_and_never_one_that_cannot_take_it() -> None:
    exploring, _ = explorer()
    explored = [exploring.explored(THREE, f"r{i}") for i in range(20_000)]
    told = propensities(explored[0][1])
    assert sum(told.values()) == pytest.approx(1)
    assert set(told) == {"a", "b", "c"}
    assert told["b"] > told["c"] > 0  # what b is good for is less certain
    counts = Counter(r.model for r, _ in explored)
    for name, probability in told.items():
        assert counts[name] / 20_000 == pytest.approx(probability, abs=0.007)


def test_a_log_can_be_checked() -> None:
    exploring, _ = explorer(seed=7)
    routes = {f"r{i}": exploring.explored(THREE, f"r{i}") for i in range(300)}
    assert all(drawn(propensities(told), 7, name) == r.model for name, (r, told) in routes.items())
    assert any(drawn(propensities(told), 8, name) != r.model for name, (r, told) in routes.items())


def test_the_share_is_kept_and_spent_where_estimates_are_uncertain() -> None:
    exploring, _ = explorer(0.1)
    sure = route(("a", True, 0.97, 0.0), ("b", True, 0.96, 0.0))
    unsure = route(("a", True, 0.55, 0.0), ("b", True, 0.5, 0.0))
    mixed = random.Random(1)
    rates: dict[str, list[float]] = {"sure": [], "unsure": []}
    for i in range(4000):
        name = mixed.choice(("sure", "unsure"))
        told = propensities(exploring.explored(sure if name == "sure" else unsure, f"r{i}")[1])
        rates[name].append(1 - told["a"])
    together = rates["sure"] + rates["unsure"]
    assert sum(together) / len(together) == pytest.approx(0.1, abs=0.01)
    assert min(rates["sure"]) > 0
    assert sum(rates["unsure"]) / len(rates["unsure"]) > 3 * sum(rates["sure"]) / len(rates["sure"])


def test_what_was_explored_says_so_and_has_no_promise() -> None:
    exploring, _ = explorer(0.5)
    made = next(r for i in range(99) if (r := exploring.explored(THREE, f"r{i}")[0]).model != "a")
    assert made.explored_from == "a"
    assert made.reason.startswith("explored (p = ")
    assert made.fallbacks[0] == "a"
    assert made.model not in made.fallbacks
    assert not made.promise
    assert made.to_dict()["explored_from"] == "a"


def test_a_model_that_the_allowance_does_not_pay_for_is_not_drawn_and_what_is_drawn_is_counted() -> None:
    dear = route(("a", True, 0.5, 0.0), ("b", True, 0.5, 0.4))
    exploring, spent = explorer(0.5, left=1.0)
    routes = [exploring.explored(dear, f"r{i}") for i in range(200)]
    assert spent == [0.4, 0.4]
    assert propensities(routes[-1][1]) == {"a": 1.0}


@pytest.mark.parametrize("changes", [{"named": True}, {"cascade": object()}])
def test_what_the_caller_named_and_cascades_are_left_alone(changes: Any) -> None:
    exploring, _ = explorer(0.5)
    made = replace(THREE, **changes)
    assert all(exploring.explored(made, f"r{i}") == (made, None) for i in range(50))


def test_a_conversation_under_way_is_not_drawn_anew() -> None:
    exploring, _ = explorer(0.5)
    assert {exploring.explored(THREE, f"r{i}", begun=True)[0].model for i in range(50)} == {"a"}


def test_workers_share_an_allowance_and_nothing_is_spent_before_the_store_was_asked(tmp_path: Path) -> None:
    mine, theirs = (Allowance(Ledger(tmp_path / "spending.sqlite"), "explore", 1.0) for _ in range(2))
    assert mine.left_usd == 0
    mine.open()
    assert mine.left_usd == 1
    mine.spend(0.25)
    mine._ledger.sync()
    theirs.open()
    assert theirs.left_usd == 0.75


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_service_logs_what_could_have_been_drawn_and_nothing_while_it_does_not_explore(
    tmp_path: Path, share: float
) -> None:
    rows = [
        {"prompt": f"q{i}", "model": name, "reply": name, "prompt_tokens": 1, "completion_tokens": 1}
        for i in range(40)
        for name in ("weak", "strong")
    ]
    recorded = tmp_path / "outcomes.jsonl"
    recorded.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    models = [ModelConfig(name=n, type="replay", path=str(recorded), quality=0.5) for n in ("weak", "strong")]
    log = tmp_path / "log.sqlite"
    settings = {"explore_share": share, "explore_seed": 3, "decision_log": log, "autopicker_home": tmp_path}
    with gateway(*models, **settings) as base, httpx.Client(base_url=base) as client:

        def ask(i: int, **fields: Any) -> Any:
            body = {"messages": [{"role": "user", "content": f"q{i}"}], **fields}
            return client.post("/v1/chat/completions", json=body).json()

        assert soon(lambda: share == 0 or ask(0)["routing"]["reason"].startswith("explored"), 20)
        answers = [ask(i) for i in range(40)]
        assert ask(1, model="weak")["model"] == "weak"
    decisions = open_log(log).rows()
    if not share:
        assert not any(row.propensities for row in decisions)
        return
    assert decisions[-1].propensities is None
    assert {a["model"] for a in answers} == {"weak", "strong"}
    drawn_rows = [row for row in decisions if row.propensities]
    for row in drawn_rows:
        told = propensities(row.propensities)
        assert sum(told.values()) == pytest.approx(1)
        assert drawn(told, 3, row.request_id) == row.model
    assert any(len(json.loads(row.propensities or "")) == 2 for row in drawn_rows)


def test_who_asks_while_a_day_begins_gets_the_account_of_that_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowance = Allowance(Ledger(tmp_path / "spending.sqlite"), "explore", 1.0)
    now: list[float] = [0.0]
    seen: list[str] = []
    monkeypatch.setattr("autopicker_lab.live.allowance.time.time", lambda: now[0])

    class Clock:  # where the event loop may ask while the thread makes the new day's account
        @staticmethod
        def fromtimestamp(at: float, zone: Any) -> datetime:
            if not seen:
                seen.append("")
                seen[0] = allowance.account[1]
            return datetime.fromtimestamp(at, zone)

    monkeypatch.setattr("autopicker_lab.live.allowance.datetime", Clock)
    now[0] = 86_400.0
    assert [allowance.account[1], *seen] == 2 * ["1970-01-02"]
