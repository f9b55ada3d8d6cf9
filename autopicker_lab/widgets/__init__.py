"""Panels for notebooks; each is a model without widgets, and a view of it."""

# ruff: noqa: E402  # the panels import their packages as they are defined: what is missing is said before

from autopicker_lab.core.optional import require

require("ipywidgets", "anywidget", "itables", "pandas", "matplotlib")

from autopicker_lab.widgets.chat import ChatPanel, show_stream
from autopicker_lab.widgets.comparison import ComparisonModel, ComparisonPanel, compare_runs
from autopicker_lab.widgets.context import ContextModel, ContextPanel
from autopicker_lab.widgets.conversation import ConversationModel
from autopicker_lab.widgets.explorer import ExplorerModel, ExplorerPanel
from autopicker_lab.widgets.extraction import ExtractionPanel
from autopicker_lab.widgets.extraction_model import ExtractionModel
from autopicker_lab.widgets.load import LoadPanel
from autopicker_lab.widgets.load_model import LoadModel
from autopicker_lab.widgets.threshold import ThresholdPanel
from autopicker_lab.widgets.threshold_model import ThresholdModel
from autopicker_lab.widgets.transcription import TranscriptionPanel
from autopicker_lab.widgets.transcription_model import TranscriptionModel
from autopicker_lab.widgets.whatif import WhatIfModel, WhatIfPanel

__all__ = [
    "ChatPanel",
    "ComparisonModel",
    "ComparisonPanel",
    "ContextModel",
    "ContextPanel",
    "ConversationModel",
    "ExplorerModel",
    "ExplorerPanel",
    "ExtractionModel",
    "ExtractionPanel",
    "LoadModel",
    "LoadPanel",
    "ThresholdModel",
    "ThresholdPanel",
    "TranscriptionModel",
    "TranscriptionPanel",
    "WhatIfModel",
    "WhatIfPanel",
    "compare_runs",
    "show_stream",
]
