"""Schemas that llama.cpp can hold an answer to reach it, all others are refused by the keyword it would ignore."""

import asyncio
import json
import re
import time
from typing import Any

import jsonschema
import pytest

from autopicker_lab.core import ChatRequest, InvalidRequestError, ModelSpec
from autopicker_lab.models.local import LocalModel
from autopicker_lab.models.local_pattern import PatternError, held_pattern
from autopicker_lab.models.local_schema import held_schema
from autopicker_lab.models.local_tools import held_tools

TEXT = {"type": "string", "maxLength": 6}
WHOLE = {"type": "integer", "minimum": 1, "maximum": 9}


def thing(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


HELD: dict[str, Any] = {
    "object": thing(a=TEXT, b=WHOLE),
    "optional": {"type": "object", "properties": {"a": WHOLE, "b": {"type": "boolean"}}},
    "map": {"type": "object", "additionalProperties": WHOLE},
    "list": {"type": "array", "items": WHOLE, "minItems": 2, "maxItems": 4},
    "tuple": {"type": "array", "prefixItems": [WHOLE, TEXT], "minItems": 2},
    "enum": {"type": "string", "enum": ["red", 'quo"te', "blue"]},
    "const": thing(kind={"const": "x"}, n={"enum": [1, None, "a"]}),
    "null or": thing(a={"type": ["integer", "null"], "minimum": 5, "maximum": 7}),
    "any of": {"anyOf": [thing(a=WHOLE), {"type": "null"}]},
    "one of": {"oneOf": [thing(kind={"const": "a"}, n=WHOLE), thing(kind={"const": "b"}, t=TEXT)]},
    "all of": {"allOf": [{"properties": {"a": WHOLE}, "required": ["a"]}, {"$ref": "#/$defs/b"}]}
    | {"$defs": {"b": {"type": "object", "properties": {"b": TEXT}, "required": ["b"]}}},
    "ref": thing(a={"$ref": "#/$defs/w", "description": "a number"}) | {"$defs": {"w": WHOLE}},
    "tree": {
        "$ref": "#/$defs/n",
        "$defs": {"n": thing(v=WHOLE, c={"anyOf": [{"$ref": "#/$defs/n"}, {"type": "null"}]})},
    },
    "date": {"type": "string", "format": "date"},
    "uuid": {"type": "string", "format": "uuid"},
    "digits": {"type": "string", "pattern": r"^\d{3}-\w{2}$"},
    "any character": {"type": "string", "pattern": "^a.{2,4}b$"},
    "not a": {"type": "string", "pattern": "^[^a]{3}$"},
    "found anywhere": {"type": "string", "pattern": "(?:ab|[c-e\\-.]{2})+?x"},
    "punctuation": {"type": "string", "pattern": r"^\(\d+\)\.\[[\]^]\]/\$$"},
    "annotated": {
        "title": "T",
        "type": "integer",
        "minimum": 3.0,
        "maximum": 8,
        "default": 1,
        "x-order": 1,
        "examples": [1],
    },
}


@pytest.fixture(scope="module")
def local() -> Any:
    return LocalModel(ModelSpec("small", "local"))


@pytest.mark.slow
@pytest.mark.parametrize("name", HELD)
async def test_an_answer_fits_the_schema(local: Any, name: str) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": HELD[name]}}
    options = {"response_format": wanted, "max_tokens": 40, "temperature": 1.5}
    requests = [ChatRequest.of("Write something.", options={**options, "seed": seed}) for seed in range(2)]
    replies = await asyncio.gather(*map(local.complete, requests))
    finished = [reply for reply in replies if reply.finish_reason == "stop"]
    for reply in finished:
        assert "format" in HELD[name] or not jsonschema.validate(json.loads(reply.text), HELD[name])
    assert finished or name in ("map", "optional", "tree", "found anywhere")  # which may be longer than 40 tokens


REFUSED: list[tuple[str, Any]] = [
    ("not", {"not": TEXT}),
    ("uniqueItems", {"type": "array", "items": WHOLE, "uniqueItems": True}),
    ("contains", {"type": "array", "items": WHOLE, "contains": WHOLE}),
    ("patternProperties", {"type": "object", "patternProperties": {"^a": TEXT}}),
    ("propertyNames", {"type": "object", "propertyNames": TEXT}),
    ("minProperties", thing(a=WHOLE) | {"minProperties": 2}),
    ("dependentRequired", thing(a=WHOLE) | {"dependentRequired": {"a": ["b"]}}),
    ("if", thing(a=WHOLE) | {"if": {}, "then": {}}),
    ("unevaluatedProperties", thing(a=WHOLE) | {"unevaluatedProperties": False}),
    ("multipleOf", {"type": "integer", "multipleOf": 5}),
    ("minimum", {"type": "number", "minimum": 0}),
    ("minimum", {"type": ["number", "integer"], "minimum": 0}),
    ("minimum", {"type": "integer", "minimum": 0.5}),
    ("maximum", {"type": "integer", "maximum": 10**300}),
    ("minLength", {"minLength": 3}),
    ("minLength", {"type": "string", "format": "date", "minLength": 30}),
    ("minLength", {"type": "string", "pattern": "a", "minLength": 30}),
    ("minLength", {"type": "string", "minLength": 9, "maxLength": 3}),
    ("maxLength", {"type": "string", "maxLength": 100_000}),
    ("maxItems", {"type": "array", "items": WHOLE, "maxItems": 10**9}),
    ("minItems", {"type": "array", "minItems": 3}),
    ("items", {"type": "array", "prefixItems": [WHOLE], "items": TEXT}),
    ("format", {"type": "string", "format": "email"}),
    ("format", {"type": "string", "format": {"a": 1}}),
    ("pattern", {"type": "string", "pattern": "^(?=a)b$"}),
    ("required", {"type": "object", "properties": {"a": TEXT}, "required": ["a", "b"]}),
    ("required", {"type": "object", "properties": {"a": TEXT}, "required": [["a"]]}),
    ("required", {"required": ["a"]}),
    ("additionalProperties", thing(a=TEXT) | {"anyOf": [{"required": ["b"]}]}),
    ("type", {"type": "string", "anyOf": [{"type": "integer"}]}),
    ("oneOf", {"oneOf": [{"type": "integer"}, {"type": "number"}]}),
    ("allOf", {"allOf": [WHOLE]}),
    ("minimum", {"allOf": [{"minimum": 3}]}),
    ("allOf", {"allOf": [thing(a=WHOLE) | {"additionalProperties": 1}, thing(a=TEXT)]}),
    ("enum", {"type": "string", "enum": ["a", 1]}),
    ("enum", {"enum": []}),
    ("minimum", {"$ref": "#/$defs/w", "minimum": 3, "$defs": {"w": WHOLE}}),
    ("$ref", {"$ref": "#/$defs/nowhere"}),
    ("$ref", {"$ref": "https://127.0.0.1:1/schema"}),
    ("$ref", {"$ref": "file:///etc/passwd"}),
    ("$ref", {"$ref": "#"}),
    ("$ref", {"$ref": "#/default/x", "default": {"x": {"not": {}}}}),
    ("$ref", {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}),
    ("$ref", {"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, TEXT]}}}),
    ("type", {"type": "any"}),
    ("type", {"type": []}),
    ("nullable", {"type": "string", "nullable": True}),
    ("propertis", {"type": "object", "propertis": {}}),
    ("a", thing(a=True)),
    ("schema", True),
    ("schema", [1]),
]


@pytest.mark.parametrize(("keyword", "schema"), REFUSED)
@pytest.mark.fault("a schema with what the local model cannot hold to", "400 that names the keyword")
def test_a_schema_that_cannot_be_held_is_refused_by_its_keyword(keyword: str, schema: Any) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        held_schema(schema, "response_format")
    found = re.search("(?:to|in) '([^']*)'", refused.value.detail)
    assert found
    assert found[1] == keyword or (keyword == "allOf" and "allOf" in refused.value.detail)
    assert refused.value.param == "response_format"


def nested(depth: int, keyword: str = "items") -> Any:
    schema: Any = TEXT
    for _ in range(depth):
        schema = {"type": "array", "items": schema} if keyword == "items" else {"anyOf": [schema]}
    return schema


DOUBLING = {f"d{i}": {"anyOf": [{"$ref": f"#/$defs/d{i + 1}"}, {"$ref": f"#/$defs/d{i + 1}"}]} for i in range(60)}
COSTLY: dict[str, Any] = {
    "an enum of 3,000": {"enum": [f"value {i}" for i in range(3000)]},
    "an enum of 50,000": {"type": "string", "enum": [f"value {i}" for i in range(50_000)]},
    "long values": {"enum": ["x" * 1000 + str(i) for i in range(100)]},
    "many enums": thing(**{f"p{i}": {"enum": list(range(100))} for i in range(10)}),
    "nested arrays": nested(5000),
    "nested alternatives": nested(900, "anyOf"),
    "branches": {"anyOf": [thing(**{f"p{i}": WHOLE}) for i in range(2000)]},
    "branches told apart": {"oneOf": [thing(kind={"const": i}) for i in range(240)]},
    "properties": thing(**{f"p{i}": WHOLE for i in range(2000)}),
    "names": thing(**{"p" * 1000 + str(i): WHOLE for i in range(100)}),
    "definitions": {"$defs": {f"d{i}": TEXT for i in range(5000)}, "type": "string"},
    "a nested value": {"const": json.loads("[" * 900 + "]" * 900)},
    "repeated repeats": {"type": "string", "pattern": "^((a{1,200}){1,200}){1,200}$"},
    "nested groups": {"type": "string", "pattern": "(" * 25_000 + "a" + ")" * 25_000},
    "a long pattern": {"type": "string", "pattern": "a" * 100_000},
}


@pytest.mark.parametrize("name", COSTLY)
@pytest.mark.fault("a schema that costs a local model seconds a token", "400 at once")
def test_a_costly_schema_is_refused_before_it_reaches_the_model(name: str) -> None:
    started_at = time.process_time()
    if name == "a nested value":
        assert held_schema(COSTLY[name], "x")  # deep, but a value: 900 brackets to write
        return
    with pytest.raises(InvalidRequestError):
        held_schema(COSTLY[name], "x")
    assert time.process_time() - started_at < 1


def test_references_that_double_are_read_once() -> None:
    schema = {"$ref": "#/$defs/d0", "$defs": {**DOUBLING, "d60": TEXT}}
    assert held_schema(schema, "x")["$ref"] == "#/$defs/d0"


@pytest.mark.parametrize(
    ("pattern", "held"),
    [
        ("^a+$", "^(a+)$"),
        ("a|b", "^(a|b)$"),
        (r"^\d+\.\w*?$", r"^([0-9]+\.[A-Za-z0-9_]*)$".replace("[0-9]+", "[0-9]+")),
        ("^(?:ab){2,}$", "^((ab){2,})$"),
        ("^[\\d.-]$", "^([0-9.-])$"),
        ("a\\$", "^(a\\$)$"),
    ],
)
def test_patterns_are_written_in_the_few_forms_that_are_held(pattern: str, held: str) -> None:
    assert held_pattern(pattern) == held


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "(?=a)",
            "(?!a)",
            "(?P<x>a)",
            r"\bword\b",
            r"\1",
            r"\p{L}",
            r"\D",
            "a^b",
            "a$b",
            "(a",
            "a)",
            "[a",
            "[]",
            "a**",
        ),
        *("a{2}{3}", "{2}", "*", '"', "a\\", "a{99999}", "\n", "a++", "[[:alpha:]]", r"\\"),
    ],
)
def test_other_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        held_pattern(pattern)


def test_tools_are_held_to_the_same() -> None:
    tool = {"type": "function", "function": {"name": "look", "description": "d", "parameters": thing(a=WHOLE), "x": 1}}
    [held] = held_tools("tools", [{**tool, "y": 2}])
    assert held == {"type": "function", "function": {"name": "look", "description": "d", "parameters": thing(a=WHOLE)}}
    for parameters in ({"type": "object", "minProperties": 1}, COSTLY["an enum of 50,000"]):
        with pytest.raises(InvalidRequestError) as refused:
            held_tools(
                "tools",
                [tool, {"type": "function", "function": {"name": "f", "strict": True, "parameters": parameters}}],
            )
        assert refused.value.param == "tools[1].function.parameters"
    for wrong in ("x", [1], [{"type": "function"}], [{"type": "function", "function": {}}], [tool] * 200):
        with pytest.raises(InvalidRequestError):
            held_tools("tools", wrong)


def test_a_schema_of_a_tool_that_is_not_strict_is_advice() -> None:
    place = {"type": "string", "format": "uri", "description": "where"}
    parameters = {
        "type": "object",
        "properties": {"place": place, "n": {"type": "integer"}},
        "required": ["place", "z"],
    }
    [held] = held_tools("tools", [{"type": "function", "function": {"name": "f", "parameters": parameters}}])
    assert held["function"]["parameters"] == {
        "type": "object",
        "properties": {"place": {"description": "where"}, "n": {"type": "integer"}},
        "required": ["place"],
    }
