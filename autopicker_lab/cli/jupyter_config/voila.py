"""Voila's configuration, as it finds it: an application leaves out what only explains the notebook."""

from autopicker_lab.cli.jupyter import without_tutorial

c = get_config()  # type: ignore[name-defined]  # noqa: F821  # Voila defines it
c.VoilaConfiguration.prelaunch_hook = without_tutorial
