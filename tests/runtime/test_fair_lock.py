import threading
import time

from autopicker_lab.runtime.fair_lock import FairLock, LockShare


def waiting(lock: FairLock, count: int) -> None:
    while len(lock._waiting) < count:
        time.sleep(0.001)


def test_who_had_it_for_long_goes_behind_those_who_come_later() -> None:
    lock, order = FairLock(), list[str]()

    def take(name: str, share: LockShare) -> None:
        with lock.held(share):
            order.append(name)

    long = LockShare(used_s=10.0)
    threads = []
    with lock.held(LockShare()):
        for i, (name, share) in enumerate([("long", long), ("new", LockShare()), ("newer", LockShare())]):
            threads.append(threading.Thread(target=take, args=(name, share)))
            threads[-1].start()
            waiting(lock, i + 1)
    for thread in threads:
        thread.join()
    assert order == ["new", "newer", "long"]


def test_nobody_goes_before_who_has_waited_long_enough() -> None:
    lock, order = FairLock(patience_s=0.0), list[str]()

    def take(name: str, share: LockShare) -> None:
        with lock.held(share):
            order.append(name)

    threads = []
    with lock.held(LockShare()):
        for i, (name, share) in enumerate([("long", LockShare(3600.0)), ("new", LockShare())]):
            threads.append(threading.Thread(target=take, args=(name, share)))
            threads[-1].start()
            waiting(lock, i + 1)
    for thread in threads:
        thread.join()
    assert order == ["long", "new"]


def test_its_time_is_counted_and_a_failure_gives_it_back() -> None:
    lock, share = FairLock(), LockShare()
    for _ in range(2):
        try:
            with lock.held(share):
                time.sleep(0.01)
                raise ValueError
        except ValueError:
            pass
    assert share.used_s >= 0.02
