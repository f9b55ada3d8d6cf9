"""Tables that sort, filter, and can be copied or saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_BUTTONS = ["copyHtml5", "csvHtml5"]
_SHORT = 28  # characters of a name
_MAX_BYTES = 2**20  # of a table that are sent to the browser; more is cut, and the table says so


def sortable(table: pd.DataFrame, caption: str = "", rows: int = 10) -> Any:
    """Make a widget of a table: click a header to sort, type to filter, buttons to copy and to save as CSV."""
    from itables.widget import ITable

    return ITable(
        table,
        caption=caption or None,
        buttons=_BUTTONS,
        layout={"topStart": "buttons", "topEnd": "search"},
        maxBytes=_MAX_BYTES,
        paging=len(table) > rows,
        pageLength=rows,
        lengthMenu=[rows, 50, 200],
        classes="display compact",
        style="table-layout:auto;width:100%;margin:0",
        showIndex=False,
        columnDefs=[{"className": "dt-nowrap", "targets": _of_names(table)}],
    )


def _of_names(table: pd.DataFrame) -> list[int]:
    """The columns of short texts, which stay on one line: names of models and of tasks, say."""
    texts = ((i, table.iloc[:, i]) for i in range(table.shape[1]) if table.iloc[:, i].dtype.kind in "OTU")
    return [i for i, column in texts if column.astype(str).str.len().max() <= _SHORT]
