"""Writes autopicker.cjs anew from autopicker.mjs: `python -m autopicker_lab.client`."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
_HEAD = "'use strict';\n// Made from autopicker.mjs by `python -m autopicker_lab.client`; a test compares them.\n\n"
_TAIL = "\nmodule.exports = { AutopickerClient, ServiceError };\n"


def common_js() -> str:
    """The module in CommonJS's form: the same code, its names exported at the end."""
    source = (HERE / "autopicker.mjs").read_text("utf-8")
    return _HEAD + source.replace("export class ", "class ") + _TAIL


if __name__ == "__main__":
    (HERE / "autopicker.cjs").write_text(common_js(), "utf-8")
