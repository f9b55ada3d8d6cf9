"""A rain of hostile requests: each gets a documented status, and the service goes on."""

import asyncio
from typing import Any

import httpx
import pytest
from support.gateway import gateway, model
from support.upstream import upstream

from autopicker_lab.benchmark.serving.fuzz import rain
from autopicker_lab.benchmark.serving.hostile import HostileRequests


@pytest.mark.fault("random bytes, random JSON and mutated requests rain down", "documented statuses only, never a 500")
@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_hostile_requests_get_documented_statuses(seed: int) -> None:
    with upstream() as up, gateway(model(up.url, timeout_s=5.0)) as base:
        report = asyncio.run(rain(base, 8, 100, seed))
        assert report.wrong == []
        assert report.requests > 100
        assert report.statuses["400"] > 0
        assert httpx.get(f"{base}/health").status_code == 200


def test_hostile_requests_are_the_same_for_a_seed() -> None:
    def first(seed: int) -> list[Any]:
        requests = HostileRequests("localhost", seed)
        return [requests.next() for _ in range(200)]

    assert first(1) == first(1)
    assert first(1) != first(2)
    assert {kind for kind, _ in first(1)} == {"bytes", "json", "mutated"}
