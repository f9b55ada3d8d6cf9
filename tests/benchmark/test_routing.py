import pytest

from autopicker_lab.benchmark.routing import named_tables
from autopicker_lab.core import InvalidRequestError


def test_tables_are_named_with_their_models() -> None:
    assert named_tables("a.csv, gpt-4,mixtral;", own=False) == [("a.csv", "gpt-4", "mixtral")]
    assert [entry[1] for entry in named_tables("a.csv,x,y")] == ["qwen2.5-coder-0.5b", "x"]


@pytest.mark.parametrize(("tables", "word"), [("a.csv", "tables=outcomes.csv,gpt-4"), ("a.csv,x,", "two models")])
def test_a_table_without_models_is_told_how_to_name_them(tables: str, word: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        named_tables(tables)
    assert word in str(caught.value)
    with pytest.raises(InvalidRequestError, match="no table"):
        named_tables("", own=False)
