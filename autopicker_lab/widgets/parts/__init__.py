"""The parts that panels are made of: model and panel, jobs, file intake, tables, downloads, Markdown."""

from autopicker_lab.widgets.parts.base import Panel, PanelModel, describe_error, require
from autopicker_lab.widgets.parts.intake import Intake, IntakeBox
from autopicker_lab.widgets.parts.job import Job, JobBar
from autopicker_lab.widgets.parts.markdown import GrowingMarkdown, to_html
from autopicker_lab.widgets.parts.save import Save
from autopicker_lab.widgets.parts.table import sortable

__all__ = [
    "GrowingMarkdown",
    "Intake",
    "IntakeBox",
    "Job",
    "JobBar",
    "Panel",
    "PanelModel",
    "Save",
    "describe_error",
    "require",
    "sortable",
    "to_html",
]
