"""The command `autopicker` and its general commands; each prints a report or one JSON document."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from autopicker_lab import __version__
from autopicker_lab.cli import bench, collecting, deploying, files, keys, load, replaying, tuning
from autopicker_lab.cli.common import Json, open_workbench, print_error, print_json
from autopicker_lab.core import AutopickerError, FileReading, StorageError
from autopicker_lab.core.reading import MAX_CALLS

app = typer.Typer(
    help="Pick the right language model for every request, and prove that it was right.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(files.app)
app.add_typer(collecting.app)
app.add_typer(tuning.app)
app.add_typer(deploying.app)
app.add_typer(replaying.app)
app.add_typer(load.app)
app.add_typer(bench.app)
app.add_typer(keys.app, name="keys")
Attached = Annotated[list[Path] | None, typer.Option("--file", help="a file that the question is about; repeatable")]
Demo = Annotated[
    bool, typer.Option("--demo", help="route among recorded models, and replay their answers: no model is needed")
]
ModelName = Annotated[str, typer.Option("--model", help="a model of the catalogue; auto: routed")]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Entry point of `autopicker`: exit code 0, 1 for a failure (one line on standard error), 2 for wrong usage.

    What is given to the commands of the routing lab and to `bench` and cannot be used is wrong usage, too.
    """
    try:
        app(args=list(arguments) if arguments is not None else None)
    except AutopickerError as error:
        fail(error)
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read the output has enough
        sys.exit(0)
    except OSError as error:
        where = f" '{error.filename}'" if error.filename else ""
        fail(StorageError(f"cannot use{where or ' a file'}: {error.strerror or error}", "check the path and the disk"))
    sys.exit(0)


def fail(error: AutopickerError) -> NoReturn:
    """Print an error in one line on standard error, and exit 1."""
    print_error(error)
    sys.exit(1)


def _print_version(show: bool) -> None:
    if show:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="print it")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


def _set_demo(wanted: bool) -> None:
    """Have this process and those that it starts replay recorded answers."""
    if wanted:
        os.environ["AUTOPICKER_DEMO"] = "true"


@app.command()
def tour() -> None:
    """Walk the whole path on the sample files, step by step, with what was decided and why."""
    from autopicker_lab.cli.tour import run

    with open_workbench() as lab:
        run(lab)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(
    context: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="where the notebooks are, or are to be; none: the project's own, from a wheel ./autopicker-notebooks"
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="port to listen on")] = 8888,
    browser: Annotated[bool, typer.Option(help="open a browser")] = True,
    voila: Annotated[str, typer.Option(help="serve one notebook, such as 06, as an application without code")] = "",
    demo: Demo = False,
) -> None:
    """Open the notebooks in JupyterLab. Options not listed here go to Jupyter, such as --ServerApp.base_url=/me/."""
    _set_demo(demo)
    from autopicker_lab.cli.jupyter import start

    sys.exit(start(folder, port, browser, voila, context.args))


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="port to listen on")] = 8001,
    workers: Annotated[int, typer.Option(min=1, max=64, help="processes")] = 1,
    demo: Demo = False,
) -> None:
    """Serve the HTTP API."""
    _set_demo(demo)
    from autopicker_lab.service import server

    server.serve(host, port, workers, announce=lambda text: typer.echo(text, err=True))


@app.command()
def score(
    text: Annotated[str, typer.Argument(help="the request")],
    file: Attached = None,
    model: ModelName = "auto",
    as_json: Json = False,
) -> None:
    """Score a request and show where it would go; no model is asked."""
    with open_workbench() as lab:
        route = lab.route(text, file or [], model=model)
    if as_json:
        print_json(route.to_dict())
        return
    from rich.console import Console

    from autopicker_lab.cli.tour import route_tables

    Console().print(*route_tables(route))


@app.command()
def ask(
    text: Annotated[str, typer.Argument(help="the request")],
    file: Attached = None,
    model: ModelName = "auto",
    max_tokens: Annotated[int | None, typer.Option(min=1, help="longest answer")] = None,
    whole: Annotated[bool, typer.Option("--whole", help="read the files from end to end, in steps")] = False,
    max_calls: Annotated[int, typer.Option(min=2, help="with --whole: calls of a model at most")] = MAX_CALLS,
    max_usd: Annotated[float | None, typer.Option(min=0, help="with --whole: USD that these may cost")] = None,
    as_json: Json = False,
) -> None:
    """Ask, and watch the answer come."""
    options: dict[str, Any] = {} if max_tokens is None else {"max_tokens": max_tokens}
    with open_workbench() as lab:
        if whole:
            options["reading"] = FileReading(True, max_calls, max_usd, progress=_on_steps)
            typer.echo(f"[{lab.plan(text, file or [], model=model, **options)}]", err=True)
        if as_json:
            print_json(lab.ask(text, file or [], model=model, **options).to_dict())
            return
        stream = lab.stream(text, file or [], model=model, **options)
        for chunk in stream:
            sys.stdout.write(chunk.content)
            sys.stdout.flush()
        sys.stdout.write("\n")
        reply = stream.reply
    assert reply is not None  # the stream has ended
    assert reply.route is not None  # it was made by the pipeline
    typer.echo(f"\n[{reply.model}: {reply.route.reason}]", err=True)
    for line in (*reply.context.left_out, *reply.context.warnings):
        typer.echo(f"[{line}]", err=True)


def _on_steps(done: int, total: int) -> None:
    typer.echo(f"[{done:,} of {total:,} read]", err=True)


@app.command()
def models(as_json: Json = False) -> None:
    """List the catalogue, which of it would answer now, and where its figures come from."""
    from autopicker_lab.models.notes import notes

    with open_workbench() as lab:
        catalogue = lab.models()
        remarks = notes(lab.settings.catalogue())
    rows = [
        {
            "id": spec.id,
            "provider": spec.provider,
            "available": available.ok,
            "why": None if available.ok else str(available),
            "capabilities": sorted(spec.capabilities),
            "context_window": spec.context_window,
            "price_in": spec.price_in,
            "price_out": spec.price_out,
            "price_cached": spec.price_cached,
            "quality": spec.quality,
            "sources": dict(spec.sources),
        }
        for spec, available in catalogue
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        typer.echo(f"{'✓' if row['available'] else '✗'} {row['id']:20} {row['provider']:8} {row['why'] or ''}")
    for note in remarks:
        typer.echo(f"{'!' if note.is_fault else '-'} {note.text}")


@app.command()
def doctor(
    as_json: Json = False,
    ask: Annotated[bool, typer.Option("--ask", help="ask each model for one token; hosted ones cost a little")] = False,
) -> None:
    """Check that every part of the lab is there and works, and say what to do where not."""
    from autopicker_lab.cli.doctor import examine

    with open_workbench() as lab:
        checks = examine(lab, ask)
    if as_json:
        print_json([vars(check) for check in checks])
    else:
        for check in checks:
            typer.echo(f"{'✓' if check.ok else '✗'} {check.name:16} {check.detail}")
    if any(check.needed and not check.ok for check in checks):
        sys.exit(1)
