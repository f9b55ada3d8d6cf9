"""How the files of a request are read: by the passages near to its question, or the whole of them in steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.show import html_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from autopicker_lab.core.cascade_trace import CascadeCall
    from autopicker_lab.core.document import Document
    from autopicker_lab.core.reply import ContextReport

MAX_CALLS = 24


@dataclass(frozen=True)
class FileReading:
    """How the files of a request are to be read, and what was done for it before a model answers.

    Attributes:
        whole: all of them, in steps: a model notes what each stretch holds, and answers from the notes.
        max_calls: of models, the answer's own among them.
        max_usd: that these may cost; None: no bound but the caller's budget.
        question: what the files are searched for; "": the last question as it stands.
        notes: what was noted, in place of the files; None before, and where they are not read whole.
        report: what the notes are of.
        calls: of models, whose answers were not given.
        charged_usd: what the caller's budget was charged for already.
        warnings: a line each for what did not go as asked.
        progress: told (done, total) of what is waited for; False: go on with what there is.
    """

    whole: bool = False
    max_calls: int = MAX_CALLS
    max_usd: float | None = None
    question: str = ""
    notes: Document | None = None
    report: ContextReport | None = field(default=None, repr=False)
    calls: tuple[CascadeCall, ...] = ()
    charged_usd: float = 0.0
    warnings: tuple[str, ...] = ()
    progress: Callable[[int, int], bool | None] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class ReadingPlan:
    """What reading files in steps takes, told before a model is asked.

    Attributes:
        windows: stretches that are read, of `all_windows`.
        calls: of the model at most, the answer's own among them.
        prompt_tokens, answer_tokens: of all calls together, at most, as they are estimated.
        cost_usd: of all calls, at most, by the catalogue's prices.
        coverage: of each file, the share (0 to 1) of its text that is read.
    """

    model: str
    windows: int
    all_windows: int
    calls: int
    prompt_tokens: int
    answer_tokens: int
    cost_usd: float
    coverage: tuple[tuple[str, float], ...] = ()

    def __str__(self) -> str:
        share = self.windows / max(self.all_windows, 1)
        what = "all of it" if share == 1 else f"{share:.0%} of it"
        cost = f"at most {self.cost_usd:.2g} USD" if self.cost_usd else "no cost"
        return f"reads {what} in {self.windows:,} steps: at most {self.calls:,} calls of {self.model}, {cost}"

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON can hold it."""
        fields = ("model", "windows", "all_windows", "calls", "prompt_tokens", "answer_tokens", "cost_usd")
        coverage = [{"file": name, "share": round(share, 4)} for name, share in self.coverage]
        return {**{name: getattr(self, name) for name in fields}, "coverage": coverage}

    def _repr_html_(self) -> str:
        rows = [("calls", f"{self.calls:,}"), ("tokens", f"{self.prompt_tokens + self.answer_tokens:,}")]
        rows += [("USD", f"{self.cost_usd:.4g}"), *((name, f"{share:.0%}") for name, share in self.coverage)]
        return html_table(["", ""], rows, str(self))
