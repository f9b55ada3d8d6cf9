"""The command that runs benchmark notebooks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autopicker_lab.cli.common import Json, StrictCommand, print_json
from autopicker_lab.core import InvalidRequestError

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer()


@app.command(cls=StrictCommand)
def bench(
    name: Annotated[str | None, typer.Argument(help="a benchmark, or a notebook of your own; none lists them")] = None,
    parameter: Annotated[list[str] | None, typer.Option("-p", help="key=value; repeatable; paths from here")] = None,
    sweep: Annotated[str | None, typer.Option(help="key=a,b,c: a run for each value")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="runs of a sweep at once; they share the machine")] = 1,
    run_name: Annotated[str, typer.Option("--name", help="what to call the run in its folder and in comparisons")] = "",
    runs: Annotated[Path, typer.Option(help="folder of the runs")] = Path("runs"),
    compare: Annotated[list[Path] | None, typer.Option(help="folders of runs; repeatable")] = None,
    folders: Annotated[list[Path] | None, typer.Argument(help="further runs for --compare", hidden=True)] = None,
    every: Annotated[bool, typer.Option("--all", help="of --compare: figures that do not differ as well")] = False,
    list_: Annotated[bool, typer.Option("--list", help="each benchmark with its parameters")] = False,
    as_json: Json = False,
) -> None:
    """Run a benchmark notebook and keep its report, or compare the reports of several runs."""
    from autopicker_lab import assets, benchmark

    notebooks = {path.stem: path for path in sorted(assets.benchmarks().glob("*.ipynb"))}
    if compare:
        named = [Path(name)] if name is not None else []
        table = benchmark.compare([*compare, *named, *(folders or [])])
        shown = table if every else benchmark.telling(table)
        if len(shown) < len(table):
            typer.echo(f"{len(shown)} of {len(table)} figures differ beyond noise; --all shows every one", err=True)
        _print_table(shown, as_json)
        return
    if name is None or list_:
        _print_benchmarks(notebooks if name is None else {name: _notebook(notebooks, name)}, as_json)
        return
    notebook = _notebook(notebooks, name)
    values = dict(_parse_pair(text) for text in parameter or [])
    if sweep is not None:
        key, listed = _parse_pair(sweep)
        points = _points(listed)
        results = benchmark.sweep(notebook, key, points, values, jobs=jobs, runs=runs, progress=_print_progress("run"))
        for run in results:
            typer.echo(f"failed: {run.error}" if run.error else f"report: {run.folder}", err=True)
        _print_table(benchmark.sweep_frame(key, results), as_json)
        if any(run.error for run in results):
            raise typer.Exit(1)
        return
    run = benchmark.run(notebook, values, runs=runs, name=run_name, progress=_print_progress("cell"))
    if as_json:
        print_json({"folder": str(run.folder), "figures": run.figures, "parameters": run.parameters})
    else:
        typer.echo(json.dumps(run.figures, indent=2))
        typer.echo(f"report: {run.folder}", err=True)


def _notebook(notebooks: dict[str, Path], name: str) -> Path:
    """Find a benchmark by its name, or a notebook by its path."""
    if name in notebooks:
        return notebooks[name]
    if name.endswith(".ipynb") and Path(name).is_file():
        return Path(name)
    hint = f"known: {', '.join(notebooks)}, or the path of a notebook whose parameters are in a cell tagged parameters"
    raise InvalidRequestError(f"no benchmark '{name}'", hint)


def _print_benchmarks(notebooks: dict[str, Path], as_json: bool) -> None:
    from autopicker_lab import benchmark

    parameters = {stem: benchmark.parameters_of(path).values() for stem, path in notebooks.items()}
    if as_json:
        rows = {
            stem: {p.name: {"default": p.default, "type": p.kind, "help": p.help} for p in own}
            for stem, own in parameters.items()
        }
        print_json([{"name": stem, "parameters": own} for stem, own in rows.items()])
        return
    for stem, own in parameters.items():
        typer.echo(stem)
        for p in own:
            typer.echo(f"  {f'{p.name} = {p.default!r}':28} {p.help}")


def _print_table(table: pd.DataFrame, as_json: bool) -> None:
    if as_json:
        print_json(json.loads(table.reset_index().to_json(orient="records")))
    else:
        typer.echo(table.to_string(float_format="%.4g", na_rep="-"))


def _print_progress(unit: str) -> Callable[[int, int], None]:
    return lambda done, total: typer.echo(f"{unit} {done} of {total}", err=True)


def _parse_pair(text: str) -> tuple[str, str]:
    """Split key=value into a parameter's name and the text of its value."""
    key, equals, value = text.partition("=")
    if not equals:
        raise InvalidRequestError(f"'{text}' is not key=value", "write -p key=value")
    return key, value


def _points(listed: str) -> list[Any]:
    """The values of a sweep: separated by commas, or JSON where they are lists or objects themselves."""
    if listed.lstrip().startswith(("[", "{")):
        try:
            return list(json.loads(f"[{listed}]"))
        except ValueError:
            raise InvalidRequestError(f"these are no values: {listed}", "write key=[1,2],[3]") from None
    return [value for value in listed.split(",") if value]
