"""Pictures with a known text, drawn and photographed by a script, and what engines read of them."""

from autopicker_lab.benchmark.pictures.drawing import KINDS
from autopicker_lab.benchmark.pictures.measuring import ENGINES, measure_pictures, plot_accuracy, plot_speed, summarise

__all__ = ["ENGINES", "KINDS", "measure_pictures", "plot_accuracy", "plot_speed", "summarise"]
