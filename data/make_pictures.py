"""Make the README's pictures from the library itself (`uv run data/make_pictures.py`)."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

from autopicker_lab import Workbench, assets
from autopicker_lab.tour import HARD
from autopicker_lab.tuning import plot_calibration, read_outcomes, tune

PICTURES = Path(__file__).parent / "pictures"


def main() -> None:
    """Factors of a hard request beside the models weighed for it; what tuning finds in the project's outcomes."""
    PICTURES.mkdir(exist_ok=True)
    with Workbench() as lab:
        route = lab.route(HARD, [assets.samples() / "report.pdf"])
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.4), layout="constrained", width_ratios=[3, 2])
    route.complexity.plot(left)
    route.plot(right)
    figure.savefig(PICTURES / "route.png", dpi=110)
    report = tune(read_outcomes(assets.outcomes() / "outcomes.jsonl"), within=0.05)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained", width_ratios=[3, 2])
    report.plot(left)
    left.set_title("cost and quality, out of fold", loc="left")
    plot_calibration(report, right)
    figure.savefig(PICTURES / "tuning.png", dpi=110)


if __name__ == "__main__":
    main()
