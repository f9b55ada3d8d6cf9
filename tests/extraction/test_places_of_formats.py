"""The places that readers give: what stands at them in the file is what the part says there."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from autopicker_lab.core import Document, Part
from autopicker_lab.core.places import column_letters
from autopicker_lab.extraction import extract


def stretches(part: Part) -> list[tuple[str, Any]]:
    return [(part.text[place.start : place.stop], place) for place in part.places]


def lines_of(source: str, place: Any) -> str:
    first, last = place.lines
    return "\n".join(source.split("\n")[first - 1 : last])


class TestText:
    @pytest.mark.parametrize("name", ["a.txt", "a.py", "a.js", "a.css", "a.json"])
    def test_each_part_stands_on_its_lines(self, name: str) -> None:
        source = {
            "a.txt": "one\ntwo\n\nthree\n",
            "a.py": "import os\n\n\ndef f():\n    return 1\n\n\ndef g():\n    return 2\n",
            "a.js": "const a = 1;\n\nfunction f() {\n  return 2;\n}\n",
            "a.css": "p { color: red; }\n\nh1 {\n  margin: 0;\n}\n",
            "a.json": '{\n  "a": 1,\n  "b": [\n    2\n  ]\n}\n',
        }[name]
        document = extract(source.encode(), name=name)
        found = [(text, lines_of(source, place)) for part in document.parts for text, place in stretches(part)]
        assert found
        assert all(text.rstrip("\n") == lines.rstrip("\n") for text, lines in found)

    def test_sections_name_lines_and_headings(self) -> None:
        source = "intro\n\n# Fares\n\n\ntext\n## Children\nhalf\n\n# Boats\nfive\n\nTimes\n=====\n\nsix\n"
        document = extract(source.encode(), name="a.md")
        places = [part.places[0] for part in document.parts]
        headings = [None, ("Fares",), ("Fares", "Children"), ("Boats",), ("Times",)]
        assert [place.headings for place in places] == headings
        assert [lines_of(source, place) for place in places] == [part.text for part in document.parts]
        assert document.parts[2].where == "lines 7-8, Fares > Children"

    def test_passages_of_a_long_text_have_their_own_lines(self) -> None:
        source = "".join(f"line {number} of the text\n" for number in range(1, 400))
        passages = list(extract(source.encode(), name="a.txt").chunks(50))
        assert len(passages) > 10
        assert all(lines_of(source, passage.places[0]) == passage.text for passage in passages)


class TestTables:
    def test_rows_of_a_csv_stand_on_their_lines(self) -> None:
        source = 'Stations of the line\n\nname,note\nA,"one\ntwo"\n\nB,x\nC,y\nD,"p\nq\nr"\nE,z\n'
        (part,) = extract(source.encode(), name="a.csv").parts
        lines = {text.split("|")[1].strip(): place.lines for text, place in stretches(part)}
        assert lines == {"name": (3, 3), "A": (4, 5), "B": (7, 8), "D": (9, 11), "E": (12, 12)}
        *_, last = extract(source.encode(), name="a.csv").chunks(30)
        assert last.text.startswith("| name | note |")
        assert last.places[-1].lines == (12, 12)

    def test_a_plain_csv_has_one_place_for_its_header_and_one_for_its_rows(self) -> None:
        source = "sep=;\nname;n\n" + "".join(f"S{number};{number}\n" for number in range(500))
        document = extract(source.encode(), name="a.csv")
        assert [place.lines for place in document.parts[0].places] == [(2, 2), (3, 502)]
        for passage in document.chunks(40):
            body = "\n".join(line.split(" | ")[0][2:] for line in passage.text.split("\n")[2:])
            assert "\n".join(line.split(";")[0] for line in lines_of(source, passage.places[-1]).split("\n")) == body

    def test_rows_of_a_sheet_name_their_cells(self) -> None:
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.title = "Prices"
        sheet["C3"] = "All prices of the year"
        for row in range(5, 106):
            for column in range(3, 7):
                sheet.cell(row, column, f"head {column}" if row == 5 else f"{column_letters(column)}{row}")
        out = io.BytesIO()
        book.save(out)
        document = extract(out.getvalue(), name="a.xlsx")
        (part,) = document.parts
        assert part.where == "Prices!C5:F105"
        header, body = part.places
        assert (header.rows, body.rows) == ((5, 5), (6, 105))
        passages = list(document.chunks(120))
        assert len(passages) > 3
        for passage in passages[1:]:
            first, last = passage.places[-1].rows or (0, 0)
            rows = passage.text.split("\n")
            assert rows[0].startswith("| head 3 |")
            assert (f"| C{first} |" in rows[2], f"| C{last} |" in rows[-1]) == (True, True)
            assert passage.label == f"sheet Prices, rows {first}-{last}"
        first, last = passages[1].places[-1].rows or (0, 0)
        assert passages[1].where == f"Prices!C5:F5, C{first}:F{last}"

    @pytest.mark.parametrize("kind", ["csv", "xlsx"])
    def test_passages_of_a_summary_name_the_rows_that_they_show(self, kind: str) -> None:
        rows = [(f"N{number}", *[number] * 24) for number in range(2, 2102)]  # as they are numbered below a header
        header = ["Name", *(f"c{i}" for i in range(24))]
        source, book = io.StringIO(), openpyxl.Workbook(write_only=True)
        writer, sheet = csv.writer(source), book.create_sheet("Levels")
        for row in [header, *rows]:
            writer.writerow(row)
            sheet.append(row)
        out = io.BytesIO()
        book.save(out)
        document = extract(out.getvalue() if kind == "xlsx" else source.getvalue().encode(), name=f"a.{kind}")
        assert len(document.text.split("\n")) < 300
        seen: set[int] = set()
        for passage in document.chunks(160):
            shown = [int(number) for number in re.findall(r"^\| N(\d+) \|", passage.text, re.MULTILINE)]
            if not shown:
                continue
            seen.update(shown)
            spans = [place.rows for place in passage.places if place.rows and place.rows != (1, 1)]
            assert [row for first, last in spans for row in range(first, last + 1)] == shown
            if kind == "csv":
                assert [place.lines for place in passage.places if place.rows != (1, 1)] == spans
            assert passage.label.startswith("table, row" if kind == "csv" else "sheet Levels, row")
            assert str(shown[0]) in passage.label
            assert str(shown[-1]) in passage.label
        assert len(seen) == 160

    @pytest.mark.parametrize("count", [1, 3, 50, 54, 61])
    def test_a_wide_table_of_few_rows_shows_each_once_and_counts_them(self, count: int) -> None:
        width = 50_000 // (count + 1)  # and the first one: too many cells to be shown
        lines = [",".join([f"N{row}", *["x"] * width]) for row in range(count + 1)]
        document = extract("\n".join(lines).encode(), name="a.csv")
        assert re.findall(r"^\| N([1-9]\d*) \|", document.text, re.MULTILINE) == [str(n) for n in range(1, count + 1)]
        (warning,) = document.warnings
        assert f"has {count + 1} rows: its text is a summary, {count} of them shown" in warning


def test_places_are_in_order_and_inside_their_text_in_all_samples(samples: Path) -> None:
    without = []
    for path in sorted(samples.iterdir()):
        document: Document = extract(path)
        for part in [*document.parts, *document.chunks(40)]:
            ends = [0, *(end for place in part.places for end in (place.start, place.stop)), len(part.text)]
            assert ends == sorted(ends), path.name
        if not all(part.places for part in document.parts):
            without.append(path.suffix)
    assert set(without) <= {
        ".bmp",
        ".gif",
        ".jpg",
        ".png",
        ".webp",
        ".docx",
        ".html",
        ".mp3",
        ".ogg",
        ".wav",
        ".flac",
        ".m4a",
    }
