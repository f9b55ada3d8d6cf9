"""A pool goes on after its processes ended at rest, or at once, as when the system is out of memory."""

import os
import signal
import sys
import time

import pytest

from autopicker_lab.core import ExtractionLimitError
from autopicker_lab.extraction import ExtractionPool


def end_at_once() -> None:
    os._exit(9)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_pool_whose_resting_process_was_killed_reads_the_next_file() -> None:
    with ExtractionPool(timeout_s=20, workers=1) as pool:
        process = pool.run("a", os.getpid).result()
        os.kill(process, signal.SIGKILL)
        time.sleep(0.5)  # the pool notices
        assert pool.run("b", os.getpid).result() != process


def test_files_that_end_their_process_at_once_break_neither_the_pool_nor_others() -> None:
    with ExtractionPool(timeout_s=20, workers=2) as pool:
        pool.run("first", os.getpid).result()
        for _ in range(4):
            bad, good = pool.run("bad", end_at_once), pool.run("good", os.getpid)
            with pytest.raises(ExtractionLimitError, match="ended its process"):
                bad.result()
            assert good.result() > 0
