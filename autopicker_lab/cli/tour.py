"""The tour in the terminal: the sample files are read, transcribed and asked about, each step with its reasons."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table

from autopicker_lab import assets
from autopicker_lab.core import AutopickerError, ChatReply, Complexity, ModelUnavailableError, Route
from autopicker_lab.core.optional import install_line, missing
from autopicker_lab.core.text import clip
from autopicker_lab.models.weights import INSTALL_SHIPPED, weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from autopicker_lab.workbench import Workbench

QUESTION = "Which boat is driven by electric motors?"
SECOND = "How many people did the company employ at the end of the year?"
HARD = (
    "Compare a fleet of diesel boats with one of electric boats step by step: derive the yearly cost of each from "
    "price, energy and upkeep, state every assumption, and explain which must hold for the electric fleet to win."
)


def run(lab: Workbench, console: Console | None = None) -> None:
    """Show the tour; it needs no network and no GPU, and goes on where a package is missing or no model answers."""
    out = console or Console()
    folder = assets.samples()
    started_at = time.perf_counter()
    out.print(Panel("Autopicker Lab: the right model for every request, and why", style="bold"))
    _step(out, "1. Read a file", lambda: _read(lab, out, folder))
    _step(out, "2. Hear a recording", lambda: _transcribe(lab, out, folder))
    _step(out, "3. Decide which model a request needs", lambda: _decide(lab, out))
    _step(out, "4. Ask about the file", lambda: _answer(lab, out, folder))
    if command := _what_is_missing():
        out.print(f"Parts of this need more than is installed: [bold]{escape(command)}[/bold]", highlight=False)
    out.print(Rule("Where to go from here", align="left"))
    out.print(f"That took {time.perf_counter() - started_at:.0f} s. Next:")
    prefix = "uv run " if assets.in_checkout() else ""
    outcomes = "data/outcomes/outcomes.jsonl" if assets.in_checkout() else assets.outcomes() / "outcomes.jsonl"
    for command, purpose in (
        ("autopicker lab", "the notebooks, beginning with 00_start_here"),
        (f"autopicker tune {outcomes}", "does routing pay? on measured outcomes; then on yours"),
        ("autopicker serve", "the HTTP API on http://localhost:8001, documented at /docs"),
        ('autopicker ask "..." --file report.pdf', "ask about a file of yours"),
        ("autopicker doctor", "what is there, and what is missing"),
    ):
        out.print(f"  [bold]{prefix}{command}[/bold]  {purpose}", highlight=False)


def _step(out: Console, title: str, work: Callable[[], None]) -> None:
    """Do a step; one that fails says why, and the tour goes on."""
    out.print(Rule(title, align="left"))
    try:
        work()
    except AutopickerError as error:
        out.print(f"  {error}", markup=False, highlight=False)


def _what_is_missing() -> str:
    """One command that installs what the tour misses; "" where all is there."""
    extras = [extra for extra in ("speech", "local") if missing(extra)]
    commands = [install_line(",".join(extras))] if extras else []
    try:
        weights("")
    except ModelUnavailableError:
        commands.append(INSTALL_SHIPPED)
    return " && ".join(commands)


def _read(lab: Workbench, out: Console, folder: Path) -> None:
    started_at = time.perf_counter()
    report = lab.extract(folder / "report.pdf")
    seconds = time.perf_counter() - started_at
    out.print(f"report.pdf: {len(report.parts)} pages, about {report.token_count:,} tokens, in {seconds:.2f} s")
    out.print(f"  it begins: {clip(report.text, 160)!r}", highlight=False)
    sheet = lab.extract(folder / "passengers.xlsx").tables[0]
    table = Table(*(str(cell) for cell in sheet.rows[0]), title="passengers.xlsx", title_justify="left")
    for row in sheet.rows[1:]:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    out.print(table)


def _transcribe(lab: Workbench, out: Console, folder: Path) -> None:
    transcript = lab.transcribe(folder / "announcement.mp3")
    rtf = f"{transcript.real_time_factor:.2f}" if transcript.real_time_factor else "unknown"
    about = f"{transcript.duration:.0f} s of sound, language {transcript.language}, real-time factor {rtf}"
    out.print(f"announcement.mp3: {about} ({transcript.model})")
    for segment in transcript.segments:
        out.print(f"  {segment.start:5.1f}-{segment.end:5.1f} s  {segment.text}", highlight=False)


def _decide(lab: Workbench, out: Console) -> None:
    for prompt in (QUESTION, HARD):
        out.print(f"[italic]{clip(prompt, 110)}[/italic]", highlight=False)
        try:
            out.print(*route_tables(lab.route(prompt)))
        except ModelUnavailableError as error:
            out.print(factor_table(lab.score(prompt)))
            out.print(f"  {error}", markup=False, highlight=False)


def _some_model_answers(lab: Workbench, out: Console) -> bool:
    """Whether a model of the catalogue would answer; says how to get one where none would."""
    models = lab.models()
    if any(available.ok for _, available in models):
        return True
    out.print("No model answers on this machine yet. One of these is enough:")
    for spec, available in models:
        out.print(f"  {spec.id}: {available}", markup=False, highlight=False)
    return False


def _answer(lab: Workbench, out: Console, folder: Path) -> None:
    if not _some_model_answers(lab, out):
        return
    for question in (QUESTION, SECOND):
        out.print(f"[bold]{question}[/bold]")
        reply = _print_stream(lab, out, question, folder)
        first = f"{reply.first_token_s:.1f} s" if reply.first_token_s is not None else "never"
        out.print(f"  first token after {first}, all {reply.usage.completion_tokens} after {reply.total_s:.1f} s")
        out.print(f"  answered by {reply.model}: {reply.route.reason if reply.route else ''}", highlight=False)
        out.print(f"  read: {', '.join(reply.context.used)}", highlight=False)
        for line in reply.context.left_out:
            out.print(f"  left out: {line}", highlight=False)


def _print_stream(lab: Workbench, out: Console, question: str, folder: Path) -> ChatReply:
    stream = lab.stream(question, [folder / "report.pdf"], max_tokens=120)
    for chunk in stream:
        out.print(chunk.content, end="", markup=False, highlight=False, soft_wrap=True)
    out.print()
    assert stream.reply is not None  # the stream has ended
    return stream.reply


def route_tables(route: Route) -> tuple[Table, Table, str]:
    """Make tables of a route for a terminal: its factors, its candidates, and its reason."""
    candidates = Table("model", "", "quality", "why", title="candidates", title_justify="left")
    for candidate in route.candidates:
        chosen = candidate.model == route.model
        state = "chosen" if chosen else "kept" if candidate.kept else "dropped"
        style = "bold green" if chosen else None
        candidates.add_row(candidate.model, state, f"{candidate.quality:.2f}", candidate.why, style=style)
    return factor_table(route.complexity), candidates, f"=> {route.model}: {route.reason}"


def factor_table(complexity: Complexity) -> Table:
    """Make a table of the factors that have points, with a bar each."""
    title = f"complexity {complexity.score:.0f} of 100"
    table = Table("factor", "points", "", "why", title=title, title_justify="left")
    for factor in complexity.factors:
        if factor.points:
            table.add_row(factor.name, f"{factor.points:.1f}", "█" * max(1, round(factor.points / 2)), factor.why)
    return table
