"""python -m autopicker_lab.benchmark.serving [TARGET ...] [--seconds S] [--repeats N] [--soak STREAMS]"""

import argparse
import sys

from autopicker_lab.benchmark.serving import compare, soak, to_frame

parser = argparse.ArgumentParser(prog="autopicker_lab.benchmark.serving", description=__doc__)
parser.add_argument("targets", nargs="*", default=["passthrough", "autopicker", "litellm"])
parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
parser.add_argument("--repeats", type=int, default=3, help="of each, the best counts")


def say(name: str) -> None:
    sys.stderr.write(f"{name} ...\n")


parser.add_argument("--soak", type=int, default=0, help="only hold so many streams at once for 30 s")
given = parser.parse_args()
if given.soak:
    sys.stdout.write(f"{soak(given.soak)}\n")
    sys.exit()
found = compare(given.targets, given.seconds, given.repeats, say)
sys.stdout.write(to_frame(found).to_string(index=False) + "\n")
