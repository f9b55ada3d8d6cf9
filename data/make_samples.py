# /// script
# requires-python = ">=3.11"
# dependencies = ["av>=14", "numpy", "openpyxl>=3.1", "pillow>=11", "python-docx>=1.2", "reportlab>=4.4", "xlwt>=1.3"]
# ///
"""Make data/samples: one small file of each format, all invented here (`uv run data/make_samples.py`).

The speech is spoken by espeak-ng, which must be installed (`apt-get install espeak-ng`). Everything is about an
invented ferry company, so that questions about one file can be checked against another.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from fractions import Fraction
from pathlib import Path

import av
import docx
import openpyxl
import xlwt
from openpyxl.styles import Font
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

SAMPLES = Path(__file__).parent / "samples"
TRUTH = Path(__file__).parent / "truth"
ROUTES = [("North Quay", 9, 188_400), ("Mill Island", 6, 121_750), ("Lighthouse", 4, 64_300), ("Old Town", 3, 37_550)]
SPEECH = (
    "Good morning. The next boat to the island leaves from pier four, at half past eight. "
    "Please keep your ticket until the end of the journey. Children under six travel free of charge."
)
CHAPTERS = [
    (
        "The year in brief",
        "In 2025 Harbour Light Ferries carried 412,000 passengers, twelve percent more than the year before. "
        "The company earned 3.9 million euros from tickets and spent 3.4 million euros. "
        "Four routes were served with five boats.",
    ),
    (
        "Routes and passengers",
        "North Quay is the busiest route, with nine departures a day. The table shows departures and passengers of "
        "each route. Old Town was opened in May and has three departures a day.",
    ),
    (
        "The fleet",
        "The fleet has five boats. The oldest, the Petrel, was built in 1987 and was refitted in March. "
        "The newest, the Kittiwake, is driven by electric motors and entered service on 14 June 2025. "
        "Each boat carries up to 180 people.",
    ),
    (
        "Electric operation",
        "The Kittiwake charges at pier four for eleven minutes between two crossings. Its battery holds 1.2 megawatt "
        "hours. Electric operation saved 96,000 litres of diesel in half a year.",
    ),
    (
        "Punctuality",
        "Of all crossings, 97.2 percent left within three minutes of the timetable. Fog caused most of the delays, "
        "and the worst day was 9 November, when twenty-two crossings were cancelled.",
    ),
    (
        "Safety",
        "There was one accident without injury: a mooring line broke at Lighthouse pier on 2 February. "
        "Every crew member took part in two rescue exercises. New life jackets were bought for all boats.",
    ),
    (
        "People",
        "At the end of the year the company employed 64 people, nine of them apprentices. "
        "Captain Mira Oduya has led the company since 2019. Sick leave fell to 4.1 percent.",
    ),
    (
        "Tickets and fares",
        "A single ticket costs 4.20 euros and a day ticket costs 9.50 euros. Children under six and bicycles travel "
        "free of charge. Two thirds of all tickets are now bought by telephone.",
    ),
    (
        "Complaints",
        "The company received 318 complaints, most of them about crowded boats on summer weekends. "
        "Every complaint was answered within eight days.",
    ),
    (
        "Outlook",
        "In 2026 the company will order a second electric boat and will extend the Lighthouse route to Gull Rock. "
        "The board expects 430,000 passengers. Fares will not rise before October.",
    ),
]


def main() -> None:
    SAMPLES.mkdir(exist_ok=True)
    for make in (pdf, word, plain, sheets, pictures, speech, source, truth):
        make()
    for path in sorted(SAMPLES.iterdir()):
        print(f"{path.name:20} {path.stat().st_size:>8,} bytes")


def pdf() -> None:
    style = getSampleStyleSheet()
    story = [Paragraph("Harbour Light Ferries: Annual Report 2025", style["Title"]), Spacer(1, 12)]
    for number, (title, text) in enumerate(CHAPTERS, 1):
        story += [Paragraph(f"{number}. {title}", style["Heading1"]), Paragraph(text, style["BodyText"]), Spacer(1, 12)]
        if title == "Routes and passengers":
            rows = [["Route", "Departures a day", "Passengers"], *([n, str(d), f"{p:,}"] for n, d, p in ROUTES)]
            story.append(Table(rows, style=TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.grey)])))
        story += [Spacer(1, 12), Paragraph(filler(number), style["BodyText"]), PageBreak()]
    report = SimpleDocTemplate(
        str(SAMPLES / "report.pdf"),
        pagesize=A4,
        title="Annual Report 2025",
        author="Harbour Light Ferries",
        invariant=1,
    )
    report.build(story[:-1])


def filler(number: int) -> str:
    """Two paragraphs that say little, as reports do, so that relevant passages have something to stand out from."""
    return (
        f"This chapter was prepared by working group {number} and was discussed with the crews in the autumn. "
        "The figures were taken from the ticket machines and from the log books of the boats. Where a log book was "
        "incomplete, the harbour office's own records were used instead. The working group thanks everybody who "
        "helped. Further details can be read in the annex, which may be seen at the office on working days. "
        "Comparisons with earlier years take account of the changes in the timetable. All amounts are rounded."
    )


def word() -> None:
    paper = docx.Document()
    paper.core_properties.title = "Minutes of the board"
    paper.core_properties.author = "Harbour Light Ferries"
    paper.add_heading("Minutes of the board, 3 December 2025", 1)
    paper.add_paragraph("Present: Mira Oduya, Jonas Lind, Adaeze Bello. Apologies: none.")
    paper.add_heading("Second electric boat", 2)
    paper.add_paragraph("The board decided to order a second electric boat for 2.6 million euros.")
    for line in ("Delivery in March 2027", "Charging point at North Quay", "Name to be chosen by school children"):
        paper.add_paragraph(line, style="List Bullet")
    paper.add_heading("Votes", 2)
    table = paper.add_table(rows=1, cols=3)
    for cell, text in zip(table.rows[0].cells, ("Motion", "For", "Against"), strict=True):
        cell.text = text
    for row in (("Order the boat", "3", "0"), ("Raise fares", "1", "2")):
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    paper.sections[0].footer.paragraphs[0].text = "Confidential until approved"
    paper.save(SAMPLES / "minutes.docx")


def plain() -> None:
    (SAMPLES / "notes.txt").write_text(
        "Notes from the bridge\n\nFog bell tested at 06:10. Pier four lamp is broken again.\n"
        "Ask the workshop for two spare fenders.\n",
        "utf-8",
    )
    (SAMPLES / "handbook.md").write_text(
        "# Crew handbook\n\n## Before departure\n\n1. Count the passengers.\n2. Test the horn.\n"
        "3. Report to the harbour office.\n\n## In fog\n\n- Sound the bell every ninety seconds.\n"
        "- Halve the speed.\n\n| Signal | Meaning |\n| --- | --- |\n| one long | leaving |\n| five short | danger |\n",
        "utf-8",
    )
    lines = ["station;pier;opened;passengers"]
    lines += [f"{name};{i};{1950 + 12 * i};{count}" for i, (name, _, count) in enumerate(ROUTES, 1)]
    (SAMPLES / "stations.csv").write_text("\n".join(lines) + "\n", "utf-8")
    (SAMPLES / "config.json").write_text(
        json.dumps({"company": "Harbour Light Ferries", "boats": 5, "routes": [r[0] for r in ROUTES]}, indent=2) + "\n",
        "utf-8",
    )


def sheets() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Passengers"
    sheet.append(["Route", "Departures a day", "Passengers", "Share"])
    for name, departures, count in ROUTES:
        sheet.append([name, departures, count, round(count / sum(r[2] for r in ROUTES), 3)])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    other = book.create_sheet("Boats")
    other.append(["Boat", "Built", "Electric"])
    for row in (("Petrel", 1987, False), ("Fulmar", 1999, False), ("Kittiwake", 2025, True)):
        other.append(row)
    book.save(SAMPLES / "passengers.xlsx")
    old = xlwt.Workbook()
    page = old.add_sheet("Fares")
    for r, row in enumerate((("Ticket", "Euros"), ("Single", 4.2), ("Day", 9.5), ("Month", 61.0))):
        for c, value in enumerate(row):
            page.write(r, c, value)
    old.save(str(SAMPLES / "fares.xls"))


def picture(text: str, size: tuple[int, int], background: str, ink: str = "black") -> Image.Image:
    image = Image.new("RGB", size, background)
    ImageDraw.Draw(image).multiline_text((30, 30), text, ink, ImageFont.load_default(34), spacing=14)
    return image


def pictures() -> None:
    picture("North Quay\nLast ferry 22:40", (560, 180), "#ffd54a").save(SAMPLES / "sign.jpg", quality=85)
    picture("TICKET 4417\nSingle 4.20 EUR", (520, 180), "white").save(SAMPLES / "ticket.webp", quality=80)
    picture("Mind the step", (420, 120), "#b3e5fc").save(SAMPLES / "label.bmp")
    frames = [picture(text, (420, 120), "white") for text in ("Pier four", "Boarding now")]
    frames[0].save(SAMPLES / "board.gif", save_all=True, append_images=frames[1:], duration=800, loop=0)
    chart = Image.new("RGB", (560, 320), "white")
    draw = ImageDraw.Draw(chart)
    draw.text((20, 10), "Passengers by route, 2025", "black", ImageFont.load_default(26))
    for i, (name, _, count) in enumerate(ROUTES):
        draw.rectangle((170, 62 + 60 * i, 170 + count // 600, 98 + 60 * i), "#0072B2")
        draw.text((20, 66 + 60 * i), name, "black", ImageFont.load_default(22))
    chart.save(SAMPLES / "chart.png", optimize=True)


def speech() -> None:
    with tempfile.TemporaryDirectory() as folder:
        spoken = Path(folder) / "spoken.wav"
        subprocess.run(["espeak-ng", "-v", "en-gb-x-rp", "-s", "140", "-w", str(spoken), SPEECH], check=True)
        for name, codec, rate in (
            ("announcement.wav", "pcm_s16le", 16000),
            ("announcement.mp3", "libmp3lame", 22050),
            ("announcement.m4a", "aac", 22050),
            ("announcement.ogg", "libopus", 24000),
            ("announcement.flac", "flac", 16000),
        ):
            convert(spoken, SAMPLES / name, codec, rate)


def convert(source: Path, target: Path, codec: str, rate: int) -> None:
    with av.open(str(source)) as inp, av.open(str(target), "w") as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        if codec not in ("pcm_s16le", "flac"):
            stream.bit_rate = 48_000
        resampler = av.AudioResampler(
            format=stream.format, layout="mono", rate=rate, frame_size=stream.frame_size or None
        )
        pts = 0
        for frame in [*inp.decode(audio=0), None]:
            for piece in resampler.resample(frame):
                piece.pts, piece.time_base = pts, Fraction(1, rate)
                pts += piece.samples
                out.mux(stream.encode(piece))
        out.mux(stream.encode(None))


def source() -> None:
    (SAMPLES / "tides.py").write_text(
        '"""When the tide is high enough to leave."""\n\nfrom datetime import datetime, timedelta\n\n'
        "PERIOD = timedelta(hours=12, minutes=25)\n\n\nclass Tide:\n    def __init__(self, first_high: datetime):\n"
        "        self.first_high = first_high\n\n    def next_high(self, now: datetime) -> datetime:\n"
        "        periods = -(-(now - self.first_high) // PERIOD)\n"
        "        return self.first_high + periods * PERIOD\n\n\n"
        "def can_leave(depth_m: float, draught_m: float = 2.1) -> bool:\n    return depth_m > draught_m + 0.5\n",
        "utf-8",
    )
    (SAMPLES / "board.js").write_text(
        "import { routes } from './routes.js';\n\nexport class Board {\n  constructor(element) {\n"
        "    this.element = element;\n  }\n\n"
        "  show(minutes) {\n    this.element.textContent = nextDeparture(minutes);\n"
        "  }\n}\n\nexport function nextDeparture(minutes) {\n"
        "  return routes.find((route) => route.minutes > minutes)?.name ?? 'none today';\n}\n",
        "utf-8",
    )
    (SAMPLES / "style.css").write_text(
        "@import 'base.css';\n\n.board { font-family: monospace; color: #ffd54a; }\n"
        ".board .late,\n.board .cancelled { color: #d55e00; }\n\n"
        "@media (max-width: 40em) {\n  .board { font-size: 80%; }\n}\n",
        "utf-8",
    )
    (SAMPLES / "timetable.html").write_text(
        '<!doctype html>\n<html lang="en">\n<head><title>Timetable</title>'
        '<link rel="stylesheet" href="style.css"></head>\n'
        "<body>\n<nav><a href='/'>Home</a> <a href='/fares'>Fares</a></nav>\n<main>\n"
        "<h1>Timetable of the Mill Island ferry</h1>\n"
        "<p>The first ferry leaves pier four at half past eight. In fog, crossings take ten minutes longer than usual, "
        "and passengers are asked to wait inside the building until the bell rings.</p>\n"
        "<table><tr><th>Pier</th><th>First</th><th>Last</th></tr>"
        "<tr><td>4</td><td>08:30</td><td>21:15</td></tr><tr><td>2</td><td>09:00</td><td>22:40</td></tr></table>\n"
        "<h2>Bicycles</h2>\n<p>Bicycles travel free of charge, except on summer Sundays between ten and four.</p>\n"
        "</main>\n<script src='board.js'></script>\n</body>\n</html>\n",
        "utf-8",
    )


def truth() -> None:
    """What must come out of samples, as Markdown, out of the same words that went in."""
    TRUTH.mkdir(exist_ok=True)
    routes = [("Route", "Departures a day", "Passengers"), *((n, d, f"{p:,}") for n, d, p in ROUTES)]
    report = ["# Harbour Light Ferries: Annual Report 2025"]
    for number, (title, text) in enumerate(CHAPTERS, 1):
        report += [f"## {number}. {title}", text]
        report += [markdown(routes)] * (title == "Routes and passengers") + [filler(number)]
    total = sum(count for _, _, count in ROUTES)
    shares = [(name, departures, count, round(count / total, 3)) for name, departures, count in ROUTES]
    boats = [("Boat", "Built", "Electric"), ("Petrel", 1987, False), ("Fulmar", 1999, False), ("Kittiwake", 2025, True)]
    stations = [(name, i, 1950 + 12 * i, count) for i, (name, _, count) in enumerate(ROUTES, 1)]
    minutes = [
        "# Minutes of the board, 3 December 2025",
        "Present: Mira Oduya, Jonas Lind, Adaeze Bello. Apologies: none.",
        "## Second electric boat",
        "The board decided to order a second electric boat for 2.6 million euros.",
        "- Delivery in March 2027\n- Charging point at North Quay\n- Name to be chosen by school children",
        "## Votes",
        markdown([("Motion", "For", "Against"), ("Order the boat", 3, 0), ("Raise fares", 1, 2)]),
        "Confidential until approved",
    ]
    timetable = [
        "# Timetable of the Mill Island ferry",
        "The first ferry leaves pier four at half past eight. In fog, crossings take ten minutes longer than usual, "
        "and passengers are asked to wait inside the building until the bell rings.",
        markdown([("Pier", "First", "Last"), (4, "08:30", "21:15"), (2, "09:00", "22:40")]),
        "## Bicycles",
        "Bicycles travel free of charge, except on summer Sundays between ten and four.",
    ]
    for name, blocks in {
        "report.pdf": report,
        "minutes.docx": minutes,
        "passengers.xlsx": [
            "## Passengers",
            markdown([("Route", "Departures a day", "Passengers", "Share"), *shares]),
            "## Boats",
            markdown(boats),
        ],
        "fares.xls": ["## Fares", markdown([("Ticket", "Euros"), ("Single", 4.2), ("Day", 9.5), ("Month", 61)])],
        "stations.csv": [markdown([("station", "pier", "opened", "passengers"), *stations])],
        "timetable.html": timetable,
        "notes.txt": [(SAMPLES / "notes.txt").read_text("utf-8").strip()],
        "sign.jpg": ["North Quay\nLast ferry 22:40"],
        "ticket.webp": ["TICKET 4417\nSingle 4.20 EUR"],
        "label.bmp": ["Mind the step"],
        "board.gif": ["Pier four"],
    }.items():
        (TRUTH / f"{name}.md").write_text("\n\n".join(blocks) + "\n", "utf-8")


def markdown(rows: list[tuple[object, ...]]) -> str:
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join([lines[0], "| --- " * len(rows[0]) + "|", *lines[1:]])


if __name__ == "__main__":
    main()
