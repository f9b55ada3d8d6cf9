"""What answers cost where a table does not say it: prices from a file, or those that are known of models by name.

An answer of unknown length has as many tokens as the others of its model on average, so that a talkative model is not
cheap; 300 where none is known.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.core import InvalidRequestError, SettingsError
from autopicker_lab.core.tokens import estimate_tokens
from autopicker_lab.known_models import maker_prices
from autopicker_lab.routing import ANSWER_TOKENS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import pandas as pd

_FORM = 'write {"model": {"price_in": 1.0, "price_out": 2.0}}, or name the YAML file of the catalogue'


class Price(NamedTuple):
    """USD per million tokens of prompts and of answers."""

    prompt: float
    answer: float


def read_prices(path: Path) -> dict[str, Price]:
    """Prices by model: JSON, or the YAML file of a catalogue, whose models also go by their aliases and own names.

    Raises:
        InvalidRequestError: the file is neither.
    """
    from pydantic import ValidationError

    from autopicker_lab.catalogue_file import read_models

    try:
        if path.suffix.lower() in (".yaml", ".yml"):
            return _of_catalogue(read_models(path).models)
        raw = json.loads(path.read_text("utf-8"))
        rows = raw.get("prices", raw).items()
        return {str(model): Price(_price(entry, "in"), _price(entry, "out")) for model, entry in rows}
    except SettingsError as error:
        raise InvalidRequestError(f"cannot use the prices '{path}': {error.detail}", _FORM) from None
    except ValidationError as error:
        first = error.errors()[0]
        detail = f"cannot use the prices '{path}': {'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise InvalidRequestError(detail, _FORM) from None
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        raise InvalidRequestError(f"cannot use the prices '{path}': {error}", _FORM) from None


def _of_catalogue(entries: Iterable[Any]) -> dict[str, Price]:
    from autopicker_lab.settings import ModelConfig

    specs = [ModelConfig.model_validate(entry).spec() for entry in entries]
    return {
        name: Price(spec.price_in, spec.price_out)
        for spec in specs
        for name in (*spec.aliases, spec.model, spec.id)
        if name
    }


def _price(entry: Mapping[str, Any], direction: str) -> float:
    names = (f"price_{direction}", f"{direction}put_price", f"usd_per_mtok_{direction}")
    return float(entry[next((name for name in names if name in entry), names[0])])


def with_prices(table: pd.DataFrame, prices: Mapping[str, Price]) -> pd.DataFrame:
    """A validated table with costs where it has none and its model has a price."""
    usd_in = table["model"].map({model: price.prompt for model, price in prices.items()}).astype(float)
    usd_out = table["model"].map({model: price.answer for model, price in prices.items()}).astype(float)
    tokens_in = table["prompt_tokens"].fillna(table["prompt"].map(estimate_tokens))
    tokens_out = expected_answer_tokens(table)
    return table.assign(cost_usd=table["cost_usd"].fillna((tokens_in * usd_in + tokens_out * usd_out) / 1e6))


def expected_answer_tokens(table: pd.DataFrame) -> pd.Series[float]:
    """Tokens of each answer of a validated table: as measured, else the mean of its model, else 300."""
    measured = table["completion_tokens"].astype(float)
    return measured.fillna(measured.groupby(table["model"]).transform("mean")).fillna(float(ANSWER_TOKENS))


def with_known_prices(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """A validated table with costs of models that have none, but whose names are known, and a note on them."""
    prices = {model: Price(*found) for model in without_cost(table) if (found := maker_prices(model)) is not None}
    if not prices:
        return table, []
    priced = with_prices(table, prices)
    return priced, [f"priced by genai-prices, at their makers' prices of today: {', '.join(prices)}"]


def without_cost(table: pd.DataFrame) -> list[str]:
    """The models of a validated table that no cost is known of."""
    has_cost = table["cost_usd"].notna().groupby(table["model"]).any()
    return [str(model) for model, some in has_cost.items() if not some]
