"""The commands for API keys: make one, list them, revoke one."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from autopicker_lab.cli.common import Json, print_json
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.settings import Settings
from autopicker_lab.storage import ApiKey, KeyFile, open_ledger

app = typer.Typer(help="API keys of the service, each with its own limits. One key is enough to close open access.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="who or what will use it")],
    requests: Annotated[
        int | None, typer.Option(min=1, help="requests in a window; none: as many as an address without a key")
    ] = None,
    window: Annotated[int, typer.Option(min=1, help="length of that window, seconds")] = 60,
    models: Annotated[str, typer.Option(help="ids of models it may use, separated by commas; none: all")] = "",
    budget: Annotated[float | None, typer.Option(min=0, help="USD that its answers may cost in a period")] = None,
    period: Annotated[str, typer.Option(help="day or month, in UTC")] = "month",
    as_json: Json = False,
) -> None:
    """Make a key and print it; it is kept as a hash and cannot be printed again."""
    if period not in ("day", "month"):
        raise InvalidRequestError(f"no period '{period}'", "use day or month")
    allowed = tuple(part.strip() for part in models.split(",") if part.strip())
    known = {spec.id for spec in Settings.load().catalogue()}
    if unknown := [model for model in allowed if Settings.load().models and model not in known]:
        raise InvalidRequestError(f"no model '{unknown[0]}'", f"known: {', '.join(sorted(known))}")
    limits = {
        "requests": requests,
        "window_s": window,
        "models": allowed or None,
        "budget_usd": budget,
        "period": period,
    }
    secret, key = _file().create(name, **limits)
    if as_json:
        print_json({"key": secret, **_public(key)})
        return
    typer.echo(secret)
    typer.echo(f"{key.name} ({key.id}): {_limits(key)}. Keep the key: it is not shown again.", err=True)


@app.command("list")
def list_keys(as_json: Json = False) -> None:
    """The keys, what each may do, and what it has spent."""
    settings = Settings.load()
    ledger = open_ledger(settings)
    keys = sorted(_file().keys().values(), key=lambda key: key.created_at)
    spent = {key.id: ledger.spent((key.id, key.current_period())) for key in keys}
    if as_json:
        print_json([{**_public(key), "spent_usd": spent[key.id]} for key in keys])
        return
    if not keys:
        typer.echo("no keys: make one with `autopicker keys create NAME`", err=True)
    for key in keys:
        created = datetime.fromtimestamp(key.created_at, UTC).date()
        typer.echo(f"{key.id}  {key.name:20} {created}  {_limits(key)}, spent {spent[key.id]:.6g} USD")


@app.command()
def revoke(key_id: Annotated[str, typer.Argument(help="an id or a name of `keys list`")]) -> None:
    """Forget a key; running services notice within two seconds."""
    key = _file().revoke(key_id)
    typer.echo(f"revoked {key.name} ({key.id})", err=True)


def _file() -> KeyFile:
    return KeyFile(Settings.load().keys_path)


def _public(key: ApiKey) -> dict[str, object]:
    """All of a key's record but its hash."""
    return {name: value for name, value in asdict(key).items() if name != "sha256"}


def _limits(key: ApiKey) -> str:
    rate = f"{key.requests} requests in {key.window_s} s" if key.requests else "limited as its address"
    models = ", ".join(key.models) if key.models is not None else "all models"
    budget = f"{key.budget_usd:g} USD a {key.period}" if key.budget_usd is not None else "no budget"
    return f"{rate}, {models}, {budget}"
