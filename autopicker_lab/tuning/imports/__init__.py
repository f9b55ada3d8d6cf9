"""Bridges in: outcomes from the files that evaluation and tracing tools write, recognised by what is in them."""

from autopicker_lab.tuning.imports.importing import Imported, import_outcomes
from autopicker_lab.tuning.imports.shared_prompts import Leakage, leakage

__all__ = ["Imported", "Leakage", "import_outcomes", "leakage"]
