"""The benchmark of gateways, and the trials of ours, on the command line.

python -m autopicker_lab.benchmark.serving [TARGET ...] [--seconds S] [--repeats N] prints a row for each gateway.
python -m autopicker_lab.benchmark.serving --soak STREAMS holds so many streams at once for 30 s.
python -m autopicker_lab.benchmark.serving --fuzz RATE sends hostile requests at a rate for a minute (or S seconds).
python -m autopicker_lab.benchmark.serving --endure MINUTES sends mixed traffic to two workers with Redis.
python -m autopicker_lab.benchmark.serving --live ROUNDS prints what the loop on live traffic costs a request.
python -m autopicker_lab.benchmark.serving --live-instructions REQUESTS counts instructions instead, by valgrind.
"""

import argparse
import json
import sys

from autopicker_lab.benchmark.serving import (
    compare_gateways,
    counted_costs,
    counted_frame,
    endure,
    fuzz_service,
    live_costs,
    live_frame,
    soak,
    to_frame,
)

parser = argparse.ArgumentParser(
    prog="autopicker_lab.benchmark.serving", description="Measure gateways before an upstream that answers at once."
)
parser.add_argument("targets", nargs="*", default=["passthrough", "autopicker", "litellm"])
parser.add_argument("--seconds", type=float, default=None, help="of each measurement; 2, or 60 with --fuzz")
parser.add_argument("--repeats", type=int, default=7, help="how often each gateway has its turn")
parser.add_argument("--soak", type=int, default=0, help="only hold so many streams at once for 30 s")
parser.add_argument("--fuzz", type=float, default=0, help="only send so many hostile requests a second")
parser.add_argument("--endure", type=float, default=0, help="only send mixed traffic for so many minutes")
parser.add_argument("--live", type=int, default=0, help="only compare the loop with nothing, in so many rounds")
parser.add_argument("--live-instructions", type=int, default=0, help="the same in instructions, of so many requests")


def show_progress(words: str) -> None:
    """Print what is measured now."""
    sys.stderr.write(f"{words} ...\n")


args = parser.parse_args()
if args.soak:
    sys.stdout.write(f"{soak(args.soak)}\n")
elif args.fuzz:
    sys.stdout.write(json.dumps(fuzz_service(args.seconds or 60.0, args.fuzz).to_dict(), indent=2) + "\n")
elif args.endure:
    sys.stdout.write(json.dumps(endure(args.endure).to_dict(), indent=2) + "\n")
elif args.live:
    costs = live_frame(live_costs(seconds=args.seconds or 1.0, rounds=args.live, progress=show_progress))
    sys.stdout.write(costs.to_string(index=False) + "\n")
elif args.live_instructions:
    counted = counted_frame(counted_costs(args.live_instructions, progress=show_progress))
    sys.stdout.write(counted.to_string(index=False) + "\n")
else:
    figures = compare_gateways(args.targets, args.seconds or 2.0, args.repeats, show_progress)
    sys.stdout.write(to_frame(figures).to_string(index=False) + "\n")
