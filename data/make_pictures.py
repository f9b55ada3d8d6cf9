"""Make the README's picture from the library itself (`uv run data/make_pictures.py`)."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

from autopicker_lab import Workbench, assets
from autopicker_lab.tour import HARD

PICTURES = Path(__file__).parent / "pictures"


def main() -> None:
    """Factors of a hard request beside the models that were weighed for it."""
    PICTURES.mkdir(exist_ok=True)
    with Workbench() as lab:
        route = lab.route(HARD, [assets.samples() / "report.pdf"])
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.4), layout="constrained", width_ratios=[3, 2])
    route.complexity.plot(left)
    route.plot(right)
    figure.savefig(PICTURES / "route.png", dpi=110)


if __name__ == "__main__":
    main()
