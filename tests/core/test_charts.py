"""Pictures that belong to the page: figures of matplotlib, and charts with values under the pointer."""

import io
import re
from typing import Any
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from autopicker_lab.core import Candidate, Complexity, Factor, Route, show
from autopicker_lab.core.charts import Chart, Scale
from autopicker_lab.core.figures import INK, axes, figure_html
from autopicker_lab.core.flows import flows_html
from autopicker_lab.tuning.charts import transfer_chart


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("page", ["#ffffff", "#111111"])
@pytest.mark.parametrize("colour", [*show.SERIES, INK])
def test_every_colour_stands_out_from_a_light_and_a_dark_page(page: str, colour: str) -> None:
    assert contrast(colour, page) >= 3


def draw(ax: Any) -> None:
    ax.plot([0, 1], [2, 3], color=show.BLUE, label="a line")
    ax.annotate("here", (0.5, 2.5))
    ax.set(title="what is < seen", xlabel="x & more")
    ax.legend()


def test_a_figure_has_no_background_and_no_black_ink() -> None:
    ax: Any = axes(None, (3, 2))
    draw(ax)
    out = io.BytesIO()
    ax.figure.savefig(out, format="png")
    pixels = np.asarray(Image.open(out).convert("RGBA"))
    seen = pixels[pixels[..., 3] == 255][:, :3]
    assert pixels[0, 0, 3] == 0
    assert len(seen)
    assert seen.min(axis=0).max() > 60  # of the darkest, ink or a line
    plt.close(ax.figure)


def test_a_notebook_shows_a_figure_in_the_colours_of_its_page() -> None:
    ax: Any = axes(None, (3, 2))
    draw(ax)
    for html in (ax.figure._repr_html_(), figure_html(draw, draw)):
        svg: Any = ElementTree.fromstring(html)
        assert svg.get("aria-label").startswith("what is < seen")
        assert "currentColor" in html
        assert INK not in html
        assert "#000" not in html
        assert "here" in "".join(svg.itertext())  # text stays text
    plt.close(ax.figure)


def test_a_dollar_sign_is_a_dollar_sign_and_a_power_a_power() -> None:
    ax: Any = axes(None, (3, 2))
    ax.plot([1, 1000], [1, 2], label="model $5 and \\frac$6")
    ax.set_xscale("log")
    ax.legend()
    svg: Any = ElementTree.fromstring(ax.figure._repr_html_())
    text = "".join(svg.itertext())
    assert "model $5 and \\frac$6" in text
    assert "mathdefault" not in text
    plt.close(ax.figure)


def test_what_a_user_drew_stays_as_it_is() -> None:
    figure, mine = plt.subplots()
    assert axes(mine, (1, 1)) is mine
    assert plt.rcParams["figure.facecolor"] == "white"
    plt.close(figure)


def test_a_chart_shows_its_values_and_names_them() -> None:
    chart = Chart(Scale("cost", 0, 10), Scale("quality", 0, 1, "{:.1f}"), "cost and <quality>")
    chart.band([0, 10], [0.1, 0.4], [0.3, 0.6], show.BLUE).line([0, 10], [0.2, 0.5], show.BLUE, "routed", "4 3")
    for shape in ("circle", "square", "diamond", "ring", "none"):
        chart.marks([(2, 0.2), (40, -3)], show.ORANGE, "models", shape, ["<small>\n0.2", "far"])
    html = chart._repr_html_()
    root: Any = ElementTree.fromstring(html)
    assert html.count("class='ap-value'") == 10
    assert "&lt;small&gt;" in html
    assert "cost and &lt;quality&gt;" in html
    labels = [value.get("aria-label") for value in root.iter("g") if value.get("class") == "ap-value"]
    assert labels[:2] == ["<small>, 0.2", "far"]
    at = [(float(hit.get("cx")), float(hit.get("cy"))) for hit in root.iter("circle") if hit.get("class") == "ap-hit"]
    assert all(0 <= x <= chart.width and 0 <= y <= chart.height for x, y in at)  # what lies beyond is at the edge
    assert len(set(re.findall("stroke-dasharray='([^']*)'", html))) == 1


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3.2, 4), (1e-6, 3e-6), (0, 12345), (0.29, 0.31)])
def test_ticks_are_few_and_round(low: float, high: float) -> None:
    ticks = Scale("x", low, high, "{:.12g}").ticks
    assert 3 <= len(ticks) <= 8
    assert all(low <= value <= high for value, _ in ticks)
    assert all(len(words.strip("-0.").partition("e")[0].rstrip("0")) <= 3 for _, words in ticks)


def test_a_scale_holds_what_there_is() -> None:
    scale = Scale.around("x", [float("nan"), 2.0, 4.0])
    assert scale.low < 2
    assert scale.high > 4
    for values in ([], [3.0], [0.0, 0.0]):
        scale = Scale.around("x", values)
        assert scale.low < scale.high
    rows = Scale("", -0.5, 1.5, names=("one", "two"))
    assert rows.ticks == [(0, "one"), (1, "two")]


def test_flows_tell_every_pair_with_its_count() -> None:
    pairs = [("a", "a")] * 5 + [("a", "<b>")] * 3 + [("c", "<b>")] * 2
    html = flows_html(pairs, "before", "after")
    root: Any = ElementTree.fromstring(html)
    values = [value.get("aria-label") for value in root.iter("g") if value.get("class") == "ap-value"]
    assert sorted(values) == ["a, stays, 5 of 10", "a, → <b>, 3 of 10", "c, → <b>, 2 of 10"]
    words = "".join(root.itertext())
    assert "a  8" in words
    assert "<b>  5" in words
    assert "a to a: 5; a to <b>: 3; c to <b>: 2" in root.find("svg").get("aria-label")
    assert flows_html([], "before", "after") == ""


def test_flows_of_very_many_names_run_downwards_within_the_picture() -> None:
    html = flows_html([(f"m{i}", f"n{i % 40}") for i in range(60)], "before", "after")
    svg: Any = ElementTree.fromstring(html).find("svg")
    height = float(svg.get("height"))
    nodes = [(float(node.get("y")), float(node.get("height"))) for node in svg.findall("rect")]
    assert len(nodes) == 100
    assert all(tall > 0 and 0 <= top < top + tall <= height for top, tall in nodes)
    assert all("v-" not in path.get("d") for path in svg.findall("path"))


def test_a_dropped_model_has_a_grey_bar_and_is_named_once() -> None:
    factors = (Factor("length", 1.0, 3.0, "short"),)
    candidates = (Candidate("small", True, "can take it", 0.4, 0.0), Candidate("large", False, "no answer", 0.8, 0.0))
    route = Route("small", (), candidates, Complexity(factors, 5), "p", "small is the only model that can take it")
    html = route._repr_html_()
    assert html.count(show.GREY) == 1
    assert html.count(show.GREEN) == 1
    assert html.index(show.GREEN) < html.index("small</td>") < html.index(show.GREY)
    assert html.count("small") == 2  # in the sentence, and in its row
    assert route.plot().get_xlabel() == "quality"


def test_what_carries_over_is_dots_with_intervals_and_no_figure_that_is_not_there() -> None:
    rows = [
        {"task": "<sums>", "n": 40, "achieved_share": 1.0, "apgr": None, "gap": 0.0123456789},
        {"task": "proofs", "n": 1234, "achieved_share": 0.0333333333, "apgr": 0.6123456, "gap": 0.5},
    ]
    html = transfer_chart(rows).to_html()
    words = re.sub("<[^>]*>", "|", html)
    assert "&lt;sums&gt;" in words
    assert "1,234 prompts" in words
    assert "APGR 0.61" in words
    assert "lead within noise, no APGR" in words
    assert not re.search(r"(?i)nan|\d\.\d{4}", words)
    assert transfer_chart([]).to_html()
