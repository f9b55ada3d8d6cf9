"""How long a slider of the tuning panel takes, in a browser, from a key to the new picture, on a table of any size.

    uv run python benchmarks/slider.py [PROMPTS] [MODELS] [MOVES]

It needs Chromium. Each move is timed in the page itself: from the key's event to the second frame after the mark of the
setting has changed, when its pixels are there. The processor time of the kernel and of the browser's page is not told
apart; on a busy machine look at the least and the median.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

_CELL = """from autopicker_lab.benchmark.routing import random_report
from autopicker_lab.widgets import ThresholdPanel
panel = ThresholdPanel(random_report({prompts}, {models}))
panel.tabs.selected_index = 1
panel"""
_MARK = ".ap-live .ap-value[aria-label^='this setting'], .ap-live .ap-value[aria-label^='this policy']"
_WATCH = """mark => {
    window.moved = [];
    let pressed = null;
    const read = () => document.querySelector(mark)?.getAttribute('aria-label');
    let before = read();
    document.addEventListener('keydown', event => { pressed = performance.now(); }, true);
    new MutationObserver(() => {
        const now = read();
        if (pressed === null || !now || now === before) return;
        before = now;
        const from = pressed;
        pressed = null;
        requestAnimationFrame(() => requestAnimationFrame(() => window.moved.push(performance.now() - from)));
    }).observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true});
}"""


def moves_ms(prompts: int, models: int, moves: int) -> list[float]:
    """Milliseconds from each key to the new pixels."""
    import nbformat
    from support.jupyter import cell, chromium, jupyterlab, run_cells, show_alone, tab

    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    source = nbformat.v4.new_code_cell(_CELL.format(prompts=prompts, models=models))
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        home = Path(folder, "home")
        home.mkdir()
        nbformat.write(nbformat.v4.new_notebook(cells=[source], metadata=kernel), home / "slider.ipynb")
        with jupyterlab(home, Path(folder)) as address:
            page = tab(browser)
            page.goto(address)
            page.wait_for_function("window.jupyterapp && document.querySelector('.jp-NotebookPanel')", timeout=120_000)
            show_alone(page, "slider.ipynb")
            run_cells(page)
            panel = cell(page, "random_report").locator(".ap-live")
            handle = panel.locator(".widget-inline-hbox", has_text="cost weight").locator(".noUi-handle")
            handle.wait_for(timeout=120_000)  # a busy machine draws it late
            page.wait_for_timeout(2000)  # until the panel's first state is kept
            page.evaluate(_WATCH, _MARK)
            handle.focus()
            for i in range(moves):
                handle.press("ArrowRight" if i % 2 else "ArrowLeft")
                page.wait_for_function("count => window.moved.length >= count", arg=i + 1, timeout=30_000)
            measured: list[float] = page.evaluate("() => window.moved")
    return measured


def main() -> None:
    """Measure, and say what was found."""
    prompts, models, moves = [int(word) for word in sys.argv[1:]] + [10_000, 10, 12][len(sys.argv) - 1 :]
    found = sorted(moves_ms(prompts, models, moves))
    median = statistics.median(found)
    print(f"{prompts:,} prompts x {models} models: least {found[0]:.0f} ms, median {median:.0f}, most {found[-1]:.0f}")


if __name__ == "__main__":
    main()
