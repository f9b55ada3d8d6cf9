"""The circuit breaker, with the policies of models and of stores that processes share."""

import logging

from autopicker_lab.models.catalogue import BREAKER_POLICY
from autopicker_lab.runtime.circuit_breaker import STORE_POLICY, CircuitBreaker


def test_a_breaker_rests_longer_each_time_and_lets_one_try():
    now = [0.0]
    breaker = CircuitBreaker(BREAKER_POLICY, clock=lambda: now[0])
    for _ in range(4):
        breaker.failed()
    assert breaker.admit() == 0
    breaker.failed()
    first = breaker.resting_s()
    assert 4 <= first <= 6
    assert breaker.admit() == first
    now[0] += first
    assert breaker.admit() == 0
    assert breaker.admit() > 0  # the next one waits for the outcome
    breaker.failed()
    assert 8 <= breaker.resting_s() <= 12
    now[0] += 100
    assert breaker.admit() == 0
    breaker.succeeded()
    assert (breaker.admit(), breaker.failures) == (0, 0)
    for _ in range(3000):
        breaker.failed()
    assert breaker.resting_s() <= 72


def test_a_store_rests_for_five_seconds_and_is_logged_once_each_way(caplog):
    now = [0.0]
    breaker = CircuitBreaker(STORE_POLICY, "Redis", "counting here", lambda: now[0])
    with caplog.at_level(logging.INFO):
        breaker.succeeded()
        assert breaker.resting_s() == 0
        for _ in range(3):
            breaker.failed(OSError("refused"))
            assert breaker.resting_s() == 5
            now[0] += 5
            assert breaker.resting_s() == breaker.resting_s() == 0  # whoever comes may try
        breaker.succeeded()
        breaker.succeeded()
    assert [record.getMessage() for record in caplog.records] == [
        "Redis does not answer (refused): counting here until it does",
        "Redis answers again",
    ]
