"""The error tree: one drawing, one module, and nothing raised that is outside it or too vague."""

import ast
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import autopicker_lab
from autopicker_lab.core import AutopickerError
from autopicker_lab.core import errors as tree

PACKAGE = Path(autopicker_lab.__file__).parent
OUTSIDE = {  # on purpose, each docstring says why
    "http_client/connection.py": {"ConnectionBrokenError", "NotHttpError", "StaleConnectionError"},
    "core/parts.py": {"MalformedError"},
    "http_client/decoding.py": {"DecodingError"},
    "http_client/proxy.py": {"ProxyError"},
    "catalogue_file.py": {"_TooLargeError"},
    "extraction/sheets/xls_formats.py": {"ScatteredError"},
    "models/local_pattern.py": {"PatternError"},
}
BARE = {  # failures of ours, or of what a caller brought, which no class of the tree would say better
    "assets.py": "the installation is incomplete",
    "benchmark/runner.py": "a notebook failed, in a cell of its own",
    "service/request/errors.py": "whatever nobody foresaw",
    "widgets/parts/job.py": "the same, in a panel's work",
}


def every_error() -> Any:
    found = [AutopickerError]
    for cls in found:
        found.extend(cls.__subclasses__())
    return [cls for cls in found if cls.__module__ == tree.__name__]


def modules() -> Iterator[Any]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text("utf-8"))


@pytest.mark.parametrize("cls", every_error())
def test_an_error_tells_its_next_step_and_survives_a_process_boundary(cls: Any) -> None:
    error = pickle.loads(pickle.dumps(cls("it broke", "do this")))
    assert (error.detail, error.hint, str(error)) == ("it broke", "do this", "it broke. Do this")
    assert error.to_dict() == {"type": cls.__name__, "detail": "it broke", "hint": "do this"}


def test_what_an_instance_knows_survives_a_process_boundary() -> None:
    error = pickle.loads(pickle.dumps(tree.ServiceError("it broke", "do this", 429, "r1", 2.0)))
    assert (error.status, error.request_id, error.retry_after) == (429, "r1", 2.0)
    error = pickle.loads(pickle.dumps(tree.UpstreamError("it broke", quote="a question", param="model")))
    assert (error.detail, error.loggable, error.param) == ("it broke: a question", "it broke", "model")


def test_the_drawing_is_the_tree() -> None:
    drawn = re.findall(r"^( *)(\w+Error) +(\d+)", tree.__doc__, re.MULTILINE)
    depth = len(AutopickerError.__mro__)
    known = {cls.__name__: (len(cls.__mro__) - depth, cls.status, cls.__bases__[0].__name__) for cls in every_error()}
    assert {name for _, name, _ in drawn} == set(known)
    above: list[Any] = []
    for indent, name, status in drawn:
        level = len(indent) // 2
        above[level:] = [name]
        assert (level, int(status)) == known[name][:2]
        assert level == 0 or above[level - 1] == known[name][2]


def test_no_error_stands_outside_the_tree() -> None:
    inside = {cls.__name__ for cls in every_error()}
    for place, module in modules():
        if place == "core/errors.py":
            continue
        classes = [node for node in ast.walk(module) if isinstance(node, ast.ClassDef)]
        errors = {
            node.name
            for node in classes
            if node.name.endswith(("Error", "Exception"))
            or any(re.search(r"(Error|Exception)$", ast.unparse(base)) for base in node.bases)
        }
        assert errors <= OUTSIDE.get(place, set()), place
        assert not inside & {node.name for node in classes}, place


def test_no_mistake_of_a_caller_is_the_bare_error_of_status_500() -> None:
    bare = {
        place
        for place, module in modules()
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "AutopickerError"
    }
    assert bare == set(BARE)


def test_openai_codes_are_of_the_class() -> None:
    codes = {cls.__name__: cls.code for cls in every_error() if cls.code}
    assert codes == {
        "UnknownModelError": "model_not_found",
        "ContextLengthError": "context_length_exceeded",
        "MissingCapabilityError": "unsupported_capability",
        "AuthenticationError": "invalid_api_key",
        "RateLimitError": "rate_limit_exceeded",
        "BudgetError": "insufficient_quota",
        "UpstreamQuotaError": "insufficient_quota",
    }


def test_nothing_reads_meaning_out_of_an_errors_words() -> None:
    odd = []
    for place, module in modules():
        for node in ast.walk(module):
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
                where = ast.unparse(node.comparators[0])
                words = isinstance(node.left, ast.Constant) and isinstance(node.left.value, str)
                if words and re.search(r"str\(\w*error|\berror\.(detail|loggable|hint|args)\b", where):
                    odd.append(f"{place}:{node.lineno}")
            if isinstance(node, ast.Call) and re.match(
                r"(str\(\w*error\w*\)|\w*error\.(detail|loggable|hint))(\.lower\(\))?\.(startswith|endswith|find|index)$",
                ast.unparse(node.func),
            ):
                odd.append(f"{place}:{node.lineno}")
    assert not odd
