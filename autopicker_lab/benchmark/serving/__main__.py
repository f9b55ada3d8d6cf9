"""The benchmark of gateways on the command line.

python -m autopicker_lab.benchmark.serving [TARGET ...] [--seconds S] [--repeats N] [--soak STREAMS] prints a row each.
"""

import argparse
import sys

from autopicker_lab.benchmark.serving import compare_gateways, soak, to_frame

parser = argparse.ArgumentParser(
    prog="autopicker_lab.benchmark.serving", description="Measure gateways before an upstream that answers at once."
)
parser.add_argument("targets", nargs="*", default=["passthrough", "autopicker", "litellm"])
parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
parser.add_argument("--repeats", type=int, default=3, help="of each, the best counts")


def show_progress(name: str) -> None:
    """Print the gateway that is measured now."""
    sys.stderr.write(f"{name} ...\n")


parser.add_argument("--soak", type=int, default=0, help="only hold so many streams at once for 30 s")
args = parser.parse_args()
if args.soak:
    sys.stdout.write(f"{soak(args.soak)}\n")
    sys.exit()
figures = compare_gateways(args.targets, args.seconds, args.repeats, show_progress)
sys.stdout.write(to_frame(figures).to_string(index=False) + "\n")
