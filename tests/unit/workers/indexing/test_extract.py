"""Every format becomes Markdown; every file that cannot is refused with a reason a person understands."""

import io
import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter

from answerloop.errors import DocumentRejected
from tests.unit.workers.indexing.office_files import docx, paragraph, pdf, table
from workers.indexing import sandbox
from workers.indexing.document import ExtractedDocument
from workers.indexing.extract import extract, extract_row
from workers.indexing.formats import office
from workers.indexing.formats.grid import Line
from workers.indexing.formats.layout import markdown_of
from workers.indexing.sandbox import Extractor
from workers.indexing.sources import SourceItem, walk


@pytest.fixture
def read(tmp_path: Path):
    def of(name: str, content: str | bytes, max_bytes: int = 1_000_000) -> ExtractedDocument:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return extract(path, max_bytes)

    return of


# --- Markdown and text


def test_front_matter_is_read_as_written(read) -> None:
    document = read(
        "leave.md",
        "---\ntitle: Annual leave\nurl: https://x.example/leave\nupdated: 2026-01-12\nversion: 3.10\n"
        "supersedes: old.md\nallow: [hr, ' leads ']\n---\n# Leave\n\nYou get 27 days.\n",
    )
    assert document == ExtractedDocument(
        title="Annual leave",
        text="# Leave\n\nYou get 27 days.",
        url="https://x.example/leave",
        modified_at=datetime(2026, 1, 12, tzinfo=UTC),
        allow=("hr", "leads"),
        version="3.10",
        supersedes="old.md",
    )


@pytest.mark.parametrize(
    ("front", "reason"),
    [
        ("---\nallow: hr\n---\n", "front matter: allow is not a list of group names"),
        ("---\nallow:\n---\n", "front matter: allow is not a list of group names"),
        ("---\nAllow: [hr, 7]\n---\n", "front matter: allow holds something that is not a group name"),
        ("---\nallow [hr]\n---\n", "front matter cannot be read: not lines of `key: value`"),
        ("---\nallow: [hr\n---\n", "front matter cannot be read"),
        ("---\nallow: [hr]\n", "front matter is opened with --- but never closed"),
        ("\n---\nallow: [hr]\n", "front matter is opened with --- but never closed"),
        ("+++\nallow = ['hr']\n+++\n", "front matter must be YAML between two lines of ---"),
        ("---\ntitle: [a]\n---\n", "front matter: title is not a line of text"),
        ("---\ntrust: yes\n---\n", "front matter: trust is neither trusted nor untrusted"),
        ("---\nupdated: soon\n---\n", "front matter: updated is not a date like 2026-01-31"),
        ("---\na: " + "[" * 5000 + "\n---\n", "front matter cannot be read"),
        ("---\na: " + "x" * 70_000 + "\n---\n", "front matter is too long"),
    ],
)
def test_front_matter_that_is_not_understood_rejects_the_document(read, front: str, reason: str) -> None:
    with pytest.raises(DocumentRejected) as rejected:
        read("a.md", front + "Some words.")
    assert str(rejected.value).startswith(reason)


def test_a_thematic_break_is_not_front_matter(read) -> None:
    assert read("a.md", "---\n\nSome words.").text == "---\n\nSome words."


def test_the_title_is_the_first_heading_else_the_file_name(read) -> None:
    assert read("a.md", "```\n# no\n```\n\n## The *real* [title](x)\n\nText.").title == "The real title"
    assert read("travel-policy_2026.txt", "Text without a heading.").title == "Travel policy 2026"


def test_without_a_date_of_its_own_a_document_is_as_old_as_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Some words.")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert extract(path).modified_at == datetime.fromtimestamp(1_700_000_000, UTC)


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_in_the_usual_encodings(read, codec: str) -> None:
    assert read("a.txt", "Café fees are €5.".encode(codec)).text == "Café fees are €5."


def test_invisible_characters_and_table_padding_are_removed(read) -> None:
    visible = "words " * 30
    text = read(
        "a.md", f"{visible}a\u200bb\xad\U000e0041\x07 \r\nmore\n\n\n\n| a    | b |\n|------|---|\n| 1    | 2 |"
    ).text
    assert text == f"{visible}ab\nmore\n\n| a | b |\n|---|---|\n| 1 | 2 |"


# --- HTML


PAGE = """<html><head><title>Parking | Intranet</title><link rel="canonical" href="https://x.example/p">
<meta property="article:modified_time" content="2026-02-03T10:00:00Z"></head><body>
<header><nav><a href="/">Home</a></nav></header><main><h1>Parking rules</h1><p>Park in <b>lot B</b>.</p>
<h2>Fees</h2><table><tr><td>Lot</td><td>Fee</td></tr><tr><td>A</td><td>EUR 3</td></tr><tr><td>B</td><td>EUR 5</td></tr>
</table><p>You must:</p><ul><li>drive slowly</li></ul></main><footer>Copyright</footer></body></html>"""


def test_html_keeps_structure_and_drops_navigation(read) -> None:
    document = read("p.html", PAGE)
    assert (document.title, document.url) == ("Parking rules", "https://x.example/p")
    assert document.modified_at == datetime(2026, 2, 3, 10, tzinfo=UTC)
    assert document.text == (
        "# Parking rules\n\nPark in **lot B**.\n\n## Fees\n\n| Lot | Fee |\n| --- | --- |\n| A | EUR 3 |\n| B | EUR 5 |"
        "\n\nYou must:\n\n- drive slowly"
    )


def test_a_bare_html_page_keeps_its_headings(read) -> None:
    text = read("p.htm", "<html><body><h1>Leave</h1><p>You get 27 days.</p><h2>How</h2><p>Ask.</p></body></html>").text
    assert text == "# Leave\n\nYou get 27 days.\n\n## How\n\nAsk."


# --- Word, PowerPoint, PDF


def test_word_keeps_headings_lists_and_tables(read) -> None:
    body = [
        paragraph("Remote work", "Heading1"),
        paragraph("You get:"),
        paragraph("a chair", item=True),
        table([["Item", "Price"], ["Chair", "EUR 90"]]),
        paragraph("More rules", bold=True),
        paragraph("Ask first."),
    ]
    core = (
        '<c xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:t="http://purl.org/dc/terms/"><dc:title>Remote kit'
        "</dc:title><t:modified>2026-03-01T08:00:00Z</t:modified></c>"
    )
    document = read("r.docx", docx(*body, more={"docProps/core.xml": core}))
    assert (document.title, document.modified_at) == ("Remote kit", datetime(2026, 3, 1, 8, tzinfo=UTC))
    assert document.text == (
        "# Remote work\n\nYou get:\n\n* a chair\n\n| Item | Price |\n| --- | --- |\n| Chair | EUR 90 |\n\n"
        "## More rules\n\nAsk first."
    )


def test_powerpoint_keeps_titles_points_and_notes(read) -> None:
    import pptx

    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "Fire drill"
    slide.placeholders[1].text = "Leave by the stairs\nMeet at lot B"
    slide.notes_slide.notes_text_frame.text = "Say it twice."
    file = io.BytesIO()
    deck.save(file)
    document = read("f.pptx", file.getvalue())
    assert document.title == "Fire drill"
    assert document.text == "# Fire drill\n- Leave by the stairs\n- Meet at lot B\n\n### Notes\n- Say it twice."


def test_pdf_lines_become_paragraphs_headings_and_lists(read) -> None:
    page = [
        ("Visitor policy", 20),
        ("Every visitor must sign the informa-", 11),
        ("tion form at the desk before going in.", 11),
        ("1. Badges", 16),
        ("Visitors wear a badge that must not be", 11),
        ("hidden:", 11),
        ("\\225 on the chest", 11),
        ("\\225 in the front", 11),
        ("Page 1 of 1", 11),
    ]
    document = read("v.pdf", pdf(page))
    assert document.title == "Visitor policy"
    assert document.text == (
        "# Visitor policy\n\nEvery visitor must sign the information form at the desk before going in.\n\n"
        "## 1. Badges\n\nVisitors wear a badge that must not be hidden:\n\n- on the chest\n- in the front"
    )


def test_pdf_cells_side_by_side_are_a_table() -> None:
    rows = [("Lot", "Monthly fee"), ("A", "EUR 3 with a"), ("", "badge"), ("B", "EUR 5")]
    lines = [Line("Fees are listed below.", 10, False, 50, 700)]
    for number, (lot, fee) in enumerate(rows):
        y = 680 - 12 * number
        lines += [Line(lot, 10, False, 50, y)] if lot else []
        lines.append(Line(fee, 10, False, 200, y))
    lines.append(Line("The fees hold for a year.", 10, False, 50, 600))
    assert [line for line in markdown_of([lines]).split("\n") if line] == [
        "Fees are listed below.",
        "| Lot | Monthly fee |",
        "| --- | --- |",
        "| A | EUR 3 with a badge |",
        "| B | EUR 5 |",
        "The fees hold for a year.",
    ]


def test_numbers_beside_their_items_are_a_list_and_no_table() -> None:
    lines = []
    for number in (1, 2):
        y = 700 - 12 * number
        lines += [Line(f"{number}.", 10, False, 50, y), Line(f"Do thing {number}.", 10, False, 80, y)]
    assert markdown_of([lines]) == "1. Do thing 1.\n2. Do thing 2."


def test_running_heads_of_a_pdf_are_dropped(read) -> None:
    pages = [[("ACME confidential", 11), (f"This is what page {name} says.", 11), ("- 7 -", 11)] for name in "abc"]
    assert "ACME" not in read("v.pdf", pdf(*pages)).text


# --- rejections


def _encrypted() -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf([("Secret words", 11)]))))
    writer.encrypt("secret", algorithm="RC4-128")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def _archive_of(**parts: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><w:document>&b;</w:document>'


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.md", b"", "empty"),
        ("a.md", b" \n ", "empty"),
        ("a.md", b"--- !!! ...", "no words in it"),
        ("a.html", b"<html><body><img src='x'></body></html>", "no words in it"),
        ("a.xyz", b"words", "not a format we read (.xyz)"),
        ("noending", b"words", "not a format we read (no ending)"),
        ("a.txt", b"words \x00\x01\x02", "not text: it holds binary data"),
        ("a.txt", b"words \x81\x8d", "not text: its characters cannot be decoded"),
        ("a.md", b"x" * 1_000_001, "larger than 1,000,000 bytes"),
        ("a.pdf", b"no pdf at all", "damaged, or no PDF file"),
        ("a.pdf", pdf([("cut", 11)])[:300], "damaged, or no PDF file"),
        ("a.pdf", pdf([]), "no text (a scan?)"),
        ("a.pdf", _encrypted(), "encrypted: it needs a password"),
        ("a.docx", b"PK no archive", "damaged, or no Office file"),
        ("a.docx", docx(paragraph("words"))[:-40], "damaged, or no Office file"),
        ("a.docx", _archive_of(other="x"), "damaged, or no Word file"),
        ("a.pptx", _archive_of(other="x"), "damaged, or no PowerPoint file"),
        ("a.docx", b"\xd0\xcf\x11\xe0 old", "encrypted, or in the format of Office before 2007"),
        ("a.docx", docx(more={"word/document.xml": ENTITIES}), "its XML declares entities"),
        ("a.docx", docx(), "no words in it"),
    ],
)
def test_what_cannot_be_read_is_rejected_with_a_reason(read, name: str, content: bytes, reason: str) -> None:
    with pytest.raises(DocumentRejected) as rejected:
        read(name, content)
    assert str(rejected.value).startswith(reason)


def test_zip_bombs_are_not_unpacked(read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office, "MAX_UNPACKED_BYTES", 100_000)
    with pytest.raises(DocumentRejected, match="unpacks to more than 100,000 bytes"):
        read("a.docx", docx(more={"word/media/bomb.xml": "0" * 200_000}))
    monkeypatch.setattr(office, "MAX_MEMBERS", 20)
    with pytest.raises(DocumentRejected, match="an archive of more than 20 parts"):
        read("a.docx", docx(more={f"word/{number}.bin": "" for number in range(20)}))


def test_a_file_that_is_gone_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(DocumentRejected, match="no such file or directory"):
        extract(tmp_path / "gone.md")


@pytest.mark.skipif(os.geteuid() == 0, reason="everything is readable to root")
def test_a_file_without_permission_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("words")
    path.chmod(0)
    with pytest.raises(DocumentRejected, match="permission denied"):
        extract(path)


def test_a_row_is_cleaned_like_a_file() -> None:
    document = extract_row({"id": "a-1", "title": " ", "text": "# Head\r\n\ud800words\x00", "url": "https://x.example"})
    assert (document.title, document.text, document.modified_at) == ("Head", "# Head\n?words", None)
    with pytest.raises(DocumentRejected, match="no words"):
        extract_row({"id": "a", "text": "…"})


# --- the sandbox


def test_the_sandbox_reads_rejects_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(docx(paragraph("Some words.")))
    (tmp_path / "b.docx").write_bytes(b"nothing")
    (tmp_path / "c.pdf").write_bytes(pdf([("Some other words.", 11)]))
    (tmp_path / "d.md").write_text("---\nallow: [hr]\n---\nThird.")
    with Extractor() as extractor:
        first, second, third, fourth = walk(tmp_path)
        assert extractor.read(first).text == "Some words."
        with pytest.raises(DocumentRejected, match="damaged, or no Office file"):
            extractor.read(second)
        assert extractor.read(third) == extract(tmp_path / "c.pdf")
        assert extractor.read(fourth).allow == ("hr",)
        with pytest.raises(DocumentRejected, match="a link"):
            extractor.read(SourceItem("x", skipped="a link"))


def test_a_parser_that_hangs_is_ended_and_the_next_file_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "hangs.pdf")  # opening it waits for a writer that never comes
    (tmp_path / "fine.pdf").write_bytes(pdf([("Some words.", 11)]))
    with Extractor(time_limit_seconds=1) as extractor:
        with pytest.raises(DocumentRejected, match="reading it took longer than 1 s"):
            extractor.read(SourceItem("hangs.pdf", path=tmp_path / "hangs.pdf"))
        assert extractor.read(SourceItem("fine.pdf", path=tmp_path / "fine.pdf")).text == "Some words."


def test_the_sandbox_is_given_no_secret(monkeypatch):
    monkeypatch.setenv("ANSWERLOOP_WEB_TOKEN", "a-secret-token")
    monkeypatch.setenv("PGPASSWORD", "another")
    assert not {"ANSWERLOOP_WEB_TOKEN", "PGPASSWORD"} & sandbox._environment().keys()
