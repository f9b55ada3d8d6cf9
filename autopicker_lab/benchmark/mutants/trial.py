"""Whether extraction reads damaged files or refuses them in its own words: no crash, hang, hunger or escape."""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.benchmark.mutants.mutations import Mutant, make_mutant
from autopicker_lab.benchmark.mutants.watch import forget_peak, peak_mib, watching
from autopicker_lab.core import AutopickerError, ExtractionLimitError
from autopicker_lab.extraction import ExtractionPool, extract
from autopicker_lab.runtime.executors import submit_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.runtime.progress import Progress

HANGS_S = 20.0
MOST_MIB = 1024.0
_ADDRESS_SPACE_MIB = 8192  # of a worker, whose libraries reserve some of it


@dataclass(frozen=True)
class MutantResult:
    """What came of one damaged file.

    Attributes:
        outcome: "read"; "refused", by an error of ours; what is wrong otherwise: "raw" for an exception of a library,
            "escape" for a file, process or connection outside the temporary folder, "left" for temporary files that
            stayed, "json" for a Document that cannot be written as JSON, "memory", "hang", "crash".
        detail: the error, or what was touched.
        unforeseen: the exception of a library that the reader did not expect, which `extract` put into our words.
    """

    outcome: str
    detail: str = ""
    unforeseen: str = ""


@dataclass
class MutantReport:
    """What came of many damaged files.

    Attributes:
        outcomes: by format, how many were read, refused, or went wrong in which way.
        unforeseen: by format and exception, how many were refused for a reason that the reader did not foresee.
        failures: name, outcome and detail of those that went wrong.
    """

    files: int = 0
    seconds: float = 0.0
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    unforeseen: dict[str, Counter[str]] = field(default_factory=dict)
    failures: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, mutant: Mutant, result: MutantResult) -> None:
        """Count one."""
        kind = mutant.sample.suffix.removeprefix(".")
        self.files += 1
        self.outcomes.setdefault(kind, Counter())[result.outcome] += 1
        if result.unforeseen:
            self.unforeseen.setdefault(kind, Counter())[result.unforeseen] += 1
        if result.outcome not in ("read", "refused"):
            self.failures.append((mutant.name, result.outcome, result.detail))

    def to_dict(self) -> dict[str, Any]:
        """One JSON object."""
        return {**vars(self), "seconds": round(self.seconds, 1), "outcomes": dict(sorted(self.outcomes.items()))}


def try_mutants(
    samples: Sequence[Path],
    count: int,
    seed: int = 0,
    *,
    jobs: int = 2,
    hangs_s: float = HANGS_S,
    keep: Path | None = None,
    progress: Progress | None = None,
) -> MutantReport:
    """Read `count` mutants of the samples in killable workers.

    Args:
        hangs_s: wall seconds after which a file counts as a hang; more where others work on the machine.
        keep: a folder for the files that went wrong.
        progress: called with (files read, files in all).
    """
    report = MutantReport()
    started_at = time.perf_counter()
    with ExtractionPool(hangs_s, _ADDRESS_SPACE_MIB, jobs) as pool:

        def submit(number: int) -> Any:
            mutant = make_mutant(samples, number, seed)
            return pool.run(mutant.name, read_mutant, mutant.data, mutant.name)

        for number, future, _ in submit_all(list(range(count)), submit, jobs, progress):
            mutant = make_mutant(samples, number, seed)
            try:
                result = future.result()
            except ExtractionLimitError as error:
                result = MutantResult("hang" if isinstance(error.__cause__, TimeoutError) else "crash", str(error))
            report.add(mutant, result)
            if keep is not None and result.outcome not in ("read", "refused"):
                keep.mkdir(parents=True, exist_ok=True)
                (keep / mutant.name).write_bytes(mutant.data)
    report.seconds = time.perf_counter() - started_at
    return report


def read_mutant(data: bytes, name: str) -> MutantResult:
    """Read a damaged file in this process, a worker, and look at what that did."""
    held = forget_peak()
    with watching() as touched:
        result = _read(data, name)
    if touched:
        return MutantResult("escape", ", ".join(touched[:5]))
    if left := [path.name for path in Path(tempfile.gettempdir()).iterdir()]:
        return MutantResult("left", ", ".join(left[:5]))
    if (memory := peak_mib() - held) > MOST_MIB:
        return MutantResult("memory", f"{memory:,.0f} MiB")
    return result


def _read(data: bytes, name: str) -> MutantResult:
    try:
        document = extract(data, name=name)
        for _ in document.chunks():
            pass
    except AutopickerError as error:
        cause = error.__cause__
        unforeseen = "" if cause is None else f"{type(cause).__name__}: {' '.join(str(cause).split())[:100]}"
        return MutantResult("refused", str(error), unforeseen)
    except BaseException as error:
        return MutantResult("raw", f"{type(error).__name__}: {error}")
    try:
        json.dumps(document.to_dict(), ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, TypeError) as error:
        return MutantResult("json", str(error))
    return MutantResult("read")
