"""The table of faults in the service's documentation is made of the tests that carry `@pytest.mark.fault`."""

import ast
import os
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "autopicker_lab" / "service" / "faults.md"
HEAD = """# What happens when something goes wrong

Each line is a test that carries `@pytest.mark.fault(what happens, what comes of it)`; the table is made of them by
`AUTOPICKER_WRITE=1 uv run pytest tests/test_fault_table.py`, and a test fails where it is stale.

| what happens | what comes of it | test |
|---|---|---|
"""


def marked_tests() -> list[tuple[str, str, str]]:
    """(what happens, what comes of it, test) of each marked test, in the order of files and lines."""
    found = []
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            for mark in getattr(node, "decorator_list", ()):
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault":
                    happens, outcome = (ast.literal_eval(argument) for argument in mark.args)
                    found.append((happens, outcome, f"{path.relative_to(TESTS)}::{node.name}"))  # type: ignore[attr-defined]  # what has decorators has a name
    return found


def test_the_fault_table_is_that_of_the_tests() -> None:
    lines = [f"| {happens} | {outcome} | `{test}` |\n" for happens, outcome, test in marked_tests()]
    page = HEAD + "".join(lines)
    if os.environ.get("AUTOPICKER_WRITE"):
        PAGE.write_text(page)
    assert PAGE.read_text() == page, "run AUTOPICKER_WRITE=1 uv run pytest tests/test_fault_table.py"
