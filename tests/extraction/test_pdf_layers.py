"""PDF: what stands on layers that are switched off is left out, and said."""

from typing import Any

import pytest
from support.raw_pdf import document, show, stream

from autopicker_lab.extraction import extract

DRAFT = "the draft that is not for release"
LAYER = "<</Type/OCG/Name(drafts)>>"
MARKED = show("The ferry leaves at six.") + f"/OC /L BDC {show(DRAFT, y=600)} EMC"


def read(contents: str, config: str, resources: str = "", more: Any = None, page: str = "", layer: str = LAYER) -> Any:
    catalog = f"/OCProperties<</OCGs[20 0 R 21 0 R]/D<<{config}>>>>"
    objects = {20: layer, 21: "<</Type/OCG/Name(notes)>>", **(more or {})}
    data = document([contents], catalog=catalog, resources=resources, more=objects, page=page)
    return extract(data, name="a.pdf")


@pytest.mark.parametrize(
    ("config", "layer"),
    [
        ("/OFF[20 0 R]", LAYER),
        ("/BaseState/OFF/ON[21 0 R]", LAYER),
        (
            "/AS[<</Event/View/Category[/View]/OCGs[20 0 R]>>]",
            "<</Type/OCG/Name(drafts)/Usage<</View<</ViewState/OFF>>>>>>",
        ),
    ],
)
def test_a_layer_that_is_off_is_left_out_and_named(config: str, layer: str) -> None:
    found = read(MARKED, config, "/Properties<</L 20 0 R>>", layer=layer)
    assert "The ferry leaves at six." in found.text
    assert DRAFT not in found.text
    assert found.warnings == ("layers that are switched off were left out: drafts",)


def test_a_layer_that_is_on_is_read_without_a_word() -> None:
    found = read(MARKED, "/ON[20 0 R]", "/Properties<</L 20 0 R>>")
    assert DRAFT in found.text
    assert not found.warnings


@pytest.mark.parametrize(
    ("membership", "shown"),
    [
        ("/OCGs[20 0 R 21 0 R]", True),
        ("/OCGs[20 0 R 21 0 R]/P/AllOn", False),
        ("/OCGs 20 0 R/P/AllOff", True),
        ("/OCGs[20 0 R]/P/AnyOff", True),
        ("/OCGs[20 0 R]/VE[/Not 20 0 R]", True),
        ("/OCGs[21 0 R]/VE[/And 21 0 R [/Or 20 0 R]]", False),
    ],
)
def test_a_membership_of_several_layers_follows_its_policy(membership: str, shown: bool) -> None:
    found = read(MARKED, "/OFF[20 0 R]", "/Properties<</L 22 0 R>>", {22: f"<</Type/OCMD{membership}>>"})
    assert (DRAFT in found.text) is shown


def test_a_form_on_a_layer_and_a_mark_within_a_form_are_left_out() -> None:
    box = "/Type/XObject/Subtype/Form/BBox[0 0 595 842]/Resources<</Font<</F 3 0 R>>/Properties<</L 20 0 R>>>>"
    forms = {22: stream(show("A stamp above all"), f"{box}/OC 20 0 R"), 23: stream(MARKED, box)}
    found = read("/S Do /T Do", "/OFF[20 0 R]", "/XObject<</S 22 0 R/T 23 0 R>>", forms)
    assert found.text.strip() == "The ferry leaves at six."


def test_an_annotation_on_a_layer_is_left_out() -> None:
    note = {22: "<</Type/Annot/Subtype/Text/Rect[9 9 30 30]/Contents(Ask the captain)/OC 20 0 R>>"}
    found = read(show("The ferry"), "/OFF[20 0 R]", more=note, page="/Annots[22 0 R]")
    assert "captain" not in found.text
    assert any("Ask the captain" in warning for warning in found.warnings)
