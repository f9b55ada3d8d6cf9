"""The trial of extraction by damaged files, on the command line.

python -m autopicker_lab.benchmark.mutants [SAMPLE ...] [--count N] [--seed S] [--jobs J] [--keep FOLDER]
"""

import argparse
import json
import sys
from pathlib import Path

from autopicker_lab import assets
from autopicker_lab.benchmark.mutants import try_mutants
from autopicker_lab.core.files import find_files


def show_progress(done: int, total: int) -> bool:
    """Print a line now and then."""
    if done % 500 == 0:
        sys.stderr.write(f"{done:,} of {total:,}\n")
    return True


def main() -> int:
    """Read the arguments, try the files, and print what came of it; 1 where something went wrong."""
    parser = argparse.ArgumentParser(
        prog="autopicker_lab.benchmark.mutants",
        description="Read damaged files of every format, and say what went wrong.",
    )
    parser.add_argument("samples", nargs="*", help="files and folders to damage; by default those that ship")
    parser.add_argument("--count", type=int, default=10_000, help="of damaged files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="processes that read at once")
    parser.add_argument("--hangs", type=float, default=20.0, help="seconds after which a file counts as a hang")
    parser.add_argument("--keep", type=Path, default=Path("runs/mutants"), help="where the files go that went wrong")
    given = parser.parse_args()
    files = find_files(given.samples or [assets.samples()])
    report = try_mutants(
        files,
        given.count,
        given.seed,
        jobs=given.jobs,
        hangs_s=given.hangs,
        keep=given.keep,
        progress=show_progress,
    )
    sys.stdout.write(json.dumps(report.to_dict(), indent=2) + "\n")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
