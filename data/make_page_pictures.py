"""Run notebooks in a real JupyterLab, photograph each in both themes and two sizes, and hold it to axe-core.

    uv run python data/make_page_pictures.py [NUMBER ...]

Without numbers it takes all of them, some minutes. It needs Chromium. The pictures lie in build/screenshots; the exit
code is 1 where anything stands in the way of readers.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    sys.path.insert(0, str(ROOT / "tests"))
    from support.jupyter import chromium, jupyterlab, run_cells, show_alone, tab
    from support.looks import SHOTS, look

    wanted = tuple(sys.argv[1:]) or ("",)
    SHOTS.mkdir(parents=True, exist_ok=True)
    barriers = 0
    with tempfile.TemporaryDirectory() as scratch, chromium() as browser:
        home = Path(shutil.copytree(ROOT / "notebooks", Path(scratch, "notebooks")))  # JupyterLab saves by itself
        with jupyterlab(home, Path(scratch)) as address:
            page = tab(browser)
            page.goto(address)
            page.wait_for_function("window.jupyterapp && document.querySelector('.jp-NotebookPanel')", timeout=120_000)
            for path in sorted(home.glob("*.ipynb")):
                if path.name.startswith(wanted):
                    show_alone(page, path.name)
                    run_cells(page)
                    found = look(page, SHOTS, path.stem)
                    barriers += len(found)
                    print(f"{path.stem}: {found or 'nothing in the way'}", flush=True)
    sys.exit(barriers > 0)


if __name__ == "__main__":
    main()
