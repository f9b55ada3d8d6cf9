"""The command line `autopicker`: the same Workbench as in the notebooks, one file for a group of commands."""

from autopicker_lab.cli.app import main

__all__ = ["main"]
