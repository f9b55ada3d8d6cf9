"""Panels for notebooks: each a model without widgets, and a view."""

from autopicker_lab.widgets.chat import ChatModel, ChatPanel, show_stream
from autopicker_lab.widgets.explorer import ExplorerModel, ExplorerPanel

__all__ = ["ChatModel", "ChatPanel", "ExplorerModel", "ExplorerPanel", "show_stream"]
