"""The command for load tests."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autopicker_lab.cli.common import Json, open_workbench, print_json, sparse_notes, stoppable
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.loadtest import (
    IN_PROCESS,
    Chat,
    Closed,
    Constant,
    Kind,
    Live,
    LiveProgress,
    LoadPlan,
    LoadReport,
    Poisson,
    Ramp,
    Slo,
    advice_on,
    compare_reports,
    compare_servers,
    find_saturation,
    in_thread,
    measure,
    read_prompts,
    read_trace,
    readable_figures,
    synthetic_prompts,
)
from autopicker_lab.loadtest.arrivals import Arrivals
from autopicker_lab.loadtest.distributed import run_distributed
from autopicker_lab.runtime.atomic_write import atomic_write

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from autopicker_lab.loadtest.plan import Prompt

app = typer.Typer()
_ARRIVALS = "constant | poisson"


@app.command()
def loadtest(
    url: Annotated[str, typer.Argument(help=f"an address; with --chat one that ends in /v1, or {IN_PROCESS}")] = "",
    plan_file: Annotated[Path | None, typer.Option("--plan", help="a plan as LoadPlan.to_dict says it, JSON")] = None,
    users: Annotated[int, typer.Option(min=1, max=10_000, help="a closed loop of so many")] = 5,
    think: Annotated[float, typer.Option(min=0, help="seconds a user waits between requests")] = 0.0,
    rate: Annotated[float | None, typer.Option(min=0.001, help="an open loop: requests a second")] = None,
    to_rate: Annotated[float | None, typer.Option(min=0.0, help="where a ramp or a search from --rate ends")] = None,
    arrivals: Annotated[str, typer.Option(help=_ARRIVALS)] = "poisson",
    requests: Annotated[int | None, typer.Option(min=1, help="requests in all; 50 without any bound")] = None,
    duration: Annotated[float | None, typer.Option(min=0.1, help="seconds in which requests are sent")] = None,
    warm_up: Annotated[float, typer.Option(min=0, help="seconds at the start that do not count")] = 0.0,
    timeout: Annotated[float, typer.Option(min=0.01, help="seconds a request may take")] = 30.0,
    header: Annotated[list[str] | None, typer.Option(help="'Name: value'; repeatable")] = None,
    trace: Annotated[Path | None, typer.Option(help="replay: JSON Lines of timestamp and prompt or messages")] = None,
    chat: Annotated[bool, typer.Option("--chat", help="chat completions, measured token by token")] = False,
    model: Annotated[str, typer.Option(help="of --chat")] = "auto",
    prompts: Annotated[str, typer.Option(help="a file of prompts, or TOKENS such as 200 for made-up ones")] = "",
    turns: Annotated[bool, typer.Option("--turns", help="send conversations of --prompts turn by turn")] = False,
    prefix: Annotated[str, typer.Option(help="a system prompt that all chats share")] = "",
    max_tokens: Annotated[int, typer.Option(min=0, help="that an answer may have; 0 leaves the field out")] = 64,
    option: Annotated[list[str] | None, typer.Option(help="a field of chats, NAME=JSON; null leaves it out")] = None,
    stream: Annotated[bool, typer.Option(help="ask for streams")] = True,
    latency: Annotated[float | None, typer.Option(min=0.0, help="SLO: seconds of an answer")] = None,
    ttft: Annotated[float | None, typer.Option(min=0.0, help="SLO: seconds to the first token")] = None,
    tpot: Annotated[float | None, typer.Option(min=0.0, help="SLO: seconds a token after it")] = None,
    saturate: Annotated[bool, typer.Option("--saturate", help="find the highest rate that holds the SLO")] = False,
    count_users: Annotated[bool, typer.Option("--count-users", help="of --saturate: count users")] = False,
    against: Annotated[str | None, typer.Option(help="another address to test in turn, and compare")] = None,
    out: Annotated[Path | None, typer.Option(help="keep it here: JSON, or .csv of single requests")] = None,
    engine: Annotated[str, typer.Option(help="own | locust (the same in several processes, by Locust)")] = "own",
    workers: Annotated[int, typer.Option(min=1, max=256, help="processes of --engine locust")] = 2,
    compare: Annotated[Path | None, typer.Option(help="a report kept before, to compare with")] = None,
    as_json: Json = False,
) -> None:
    """Load-test an address you may load. Ctrl-C ends it and shows what was measured."""
    earlier = LoadReport.load(compare) if compare is not None else None
    _check_modes(url, plan_file, saturate, against, engine, out, compare)
    bounds = (latency, ttft, tpot)
    plan = (
        _read_plan(plan_file)
        if plan_file is not None
        else LoadPlan(
            url,
            Closed(1, think) if saturate else _arrivals(users, think, rate, to_rate, arrivals),
            requests=requests,
            duration_s=10.0 if duration is None and requests is None and rate is not None else duration,
            warm_up_s=warm_up,
            headers=_headers(header or []),
            chat=_chat(prompts, turns, prefix, model, max_tokens, stream, option or []) if chat else None,
            slo=Slo(*bounds) if any(bound is not None for bound in bounds) else None,
            timeout_s=timeout,
        )
    )
    if trace is not None:
        plan = _replayed(plan, trace)
    if saturate:
        _saturate(plan, rate or 1.0, to_rate or 10_000.0, count_users, out, as_json)
        return
    with stoppable() as stopped:
        if against is not None:
            pair = {url: url, against: against}
            on_progress = _progress(stopped, as_json)
            _print_table(in_thread(lambda: compare_servers(plan, pair, progress=on_progress)), as_json)
            return
        if engine == "locust":
            report = run_distributed(plan, workers, stopped=stopped)
        elif engine == "own":
            report = _measure(plan, _progress(stopped, as_json))
        else:
            raise InvalidRequestError(f"no engine '{engine}'", "use own or locust")
    if out is not None:
        _keep(report, out)
    if earlier is not None:
        _print_table(compare_reports({"before": earlier, "now": report}), as_json)
    elif as_json:
        print_json(report.to_dict())
    else:
        typer.echo(f"{report.summary}\n")
        for name, text in readable_figures(report.to_dict()):
            typer.echo(f"{name:48} {text}")
    _give_advice(report)


def _print_table(table: pd.DataFrame, as_json: bool) -> None:
    if as_json:
        print_json(table.to_dict())
    else:
        typer.echo(table.to_string(float_format="%.4g", na_rep=""))


def _give_advice(report: LoadReport) -> None:
    """Say what to do about requests that failed; exit 1 where not one was answered."""
    lines = advice_on(report)
    if report.count.sent and not report.count.answered:
        said = lines or report.errors
        typer.echo(f"autopicker: not one request was answered: {'; '.join(said)}", err=True)
        raise typer.Exit(1)
    for line in lines:
        typer.echo(f"autopicker: {line}", err=True)


def _keep(report: LoadReport, out: Path) -> None:
    if out.suffix.lower() != ".csv":
        report.save(out)
        return
    with atomic_write(out) as scratch:
        report.to_frame().to_csv(scratch, index=False)


def _check_modes(
    url: str,
    plan_file: Path | None,
    saturate: bool,
    against: str | None,
    engine: str,
    out: Path | None,
    compare: Path | None,
) -> None:
    """InvalidRequestError for options that do nothing together."""
    if bool(url) == (plan_file is not None):
        raise InvalidRequestError("nothing was named to test", "give an address, or --plan FILE")
    if saturate and (against or engine != "own" or compare):
        raise InvalidRequestError("--saturate stands alone", "leave out --against, --engine and --compare")
    kept = out is not None or compare is not None
    if against and (engine != "own" or kept or against == url):
        raise InvalidRequestError("--against compares two addresses here", "leave out --engine, --out and --compare")
    if IN_PROCESS in (url, against) and (saturate or against or engine != "own"):
        raise InvalidRequestError(f"'{IN_PROCESS}' can only be measured", "serve it, and give its URL")


def _read_plan(path: Path) -> LoadPlan:
    try:
        return LoadPlan.of_dict(json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise InvalidRequestError(f"cannot read '{path}': {error.strerror}", "check the path") from None
    except ValueError as error:
        raise InvalidRequestError(f"'{path}' is not JSON: {error}", "write one with LoadPlan.to_dict") from None


def _measure(plan: LoadPlan, progress: LiveProgress) -> LoadReport:
    if plan.url != IN_PROCESS:
        return measure(plan, progress)
    with open_workbench() as lab:
        return lab.loadtest(plan, progress=progress)


def _saturate(plan: LoadPlan, low: float, high: float, users: bool, out: Path | None, as_json: bool) -> None:
    unit = "users" if users else "a second"
    with stoppable() as stopped:

        def report_probe(rate: float, held: bool) -> bool:
            typer.echo(f"{rate:10.4g} {unit}  {'holds' if held else 'does not hold'}", err=True)
            return not stopped()

        on_progress = _progress(stopped, as_json)
        lowest = min(low, high / 2)
        result = in_thread(
            lambda: find_saturation(
                plan, low=lowest, high=high, users=users, on_probe=report_probe, progress=on_progress
            )
        )
    if out is not None:
        result.save(out)
    if as_json:
        rows = result.to_frame().to_dict("records")
        print_json(
            {
                "held": result.passing_rate,
                "failed": result.failing_rate,
                "rate": result.rate,
                "unit": result.unit,
                "tried": rows,
            }
        )
    else:
        typer.echo(str(result))
    for _, report in result.probes[-1:]:
        for line in advice_on(report):
            typer.echo(f"autopicker: {line}", err=True)


def _arrivals(users: int, think: float, rate: float | None, to_rate: float | None, shape: str) -> Arrivals:
    if shape not in ("constant", "poisson"):
        raise InvalidRequestError(f"no arrivals '{shape}'", f"use {_ARRIVALS}")
    if rate is None and to_rate is not None:
        raise InvalidRequestError("--to-rate has no beginning", "give --rate, too")
    if rate is None:
        return Closed(users, think)
    if to_rate is not None:
        return Ramp(rate, to_rate)
    return Constant(rate) if shape == "constant" else Poisson(rate)


def _headers(lines: list[str]) -> dict[str, str]:
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise InvalidRequestError(f"not a header: {line!r}", "write 'Name: value'")
        headers[name.strip()] = value.strip()
    return headers


def _chat(
    prompts: str, turns: bool, prefix: str, model: str, max_tokens: int, stream: bool, options: list[str]
) -> Chat:
    kind = Kind("turns", cached=None, prefix=prefix) if turns else Kind(prefix=prefix)
    return Chat(_prompts(prompts, turns), model, max_tokens or None, stream, (kind,), dict(map(_option, options)))


def _option(text: str) -> tuple[str, Any]:
    """A field of chats by name and JSON; what is no JSON is text."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InvalidRequestError(f"not an option: {text!r}", "write NAME=JSON, such as temperature=0")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _prompts(source: str, turns: bool) -> tuple[Prompt, ...]:
    """The prompts of a file, or made-up ones of so many tokens; "": the default."""
    if not source:
        return Chat().prompts
    if not source.lstrip("-").isdigit():
        return read_prompts(source, turns=turns)
    return synthetic_prompts(100, float(source), abs(float(source)) / 4)


def _replayed(plan: LoadPlan, path: Path) -> LoadPlan:
    """The plan with the moments and the prompts of recorded traffic."""
    if plan.chat is None:
        raise InvalidRequestError("--trace replays chats", "add --chat")
    recorded, prompts = read_trace(path)
    chat = dataclasses.replace(plan.chat, prompts=prompts, kinds=(Kind("replayed", cached=None),))
    return plan.at(recorded, chat=chat, duration_s=None)


def _progress(stopped: Callable[[], bool], quiet: bool) -> LiveProgress:
    """Make a callback that shows progress on standard error: on a terminal in one line written over."""
    note = sparse_notes(quiet)

    def show(live: Live) -> bool:
        rate = "-" if live.per_second is None else f"{live.per_second:,.0f}"
        p99 = "-" if live.p99_ms is None else f"{live.p99_ms:,.0f}"
        failed = sum(live.errors.values())
        line = f"{live.seconds:6.1f} s  {live.done:,} done  {rate} a second  p99 {p99} ms  {failed} failed"
        note(line)
        if not quiet and sys.stderr.isatty():
            sys.stderr.write(f"\r{line} ")
            sys.stderr.flush()
        return not stopped()

    return show
