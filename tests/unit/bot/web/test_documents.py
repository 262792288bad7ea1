import re

import pytest

from bot.web.documents import LONGEST_MARK
from tests.unit.bot.web.web_kit import ADA, BOB, WebKit

TEXT = "# Leave\n\nWelcome.\n\n## Entitlement\n\nYou have 27 days.\n\n## Carry-over\n\nFive days.\n"


def page(kit: WebKit, text: str, query: str = "", **columns: object) -> str:
    shown = kit.as_person(ADA).get(f"/documents/{kit.document(text, **columns)}{query}")
    assert shown.status_code == 200
    return shown.text


def article(html: str) -> str:
    return html.partition('<article class="prose">')[2].partition("</article>")[0]


class TestPassage:
    def test_it_is_marked_between_what_comes_before_and_after(self, kit: WebKit) -> None:
        start, end = TEXT.index("## Entitlement"), TEXT.index("## Carry-over")
        shown = article(page(kit, TEXT, f"?start={start}&end={end}"))
        before, rest = shown.split('<mark id="passage" tabindex="-1">')
        marked, after = rest.split("</mark>")
        assert before == "<p>Welcome.</p>\n"
        assert marked == "<h3>Entitlement</h3>\n<p>You have 27 days.</p>\n"
        assert after == "<h3>Carry-over</h3>\n<p>Five days.</p>\n"

    @pytest.mark.parametrize(
        "query", ["", "?start=5", "?start=9&end=3", "?start=-4&end=3", "?start=0&end=99999", "?start=a&end=b"]
    )
    def test_offsets_that_do_not_fit_mark_nothing(self, kit: WebKit, query: str) -> None:
        shown = page(kit, TEXT, query)
        assert "<mark" not in shown
        assert "Five days." in shown

    def test_a_very_long_document_is_shown_around_the_passage(self, kit: WebKit) -> None:
        text = "Before.\n\n" * 30_000 + "The passage.\n\n" + "After.\n\n" * 30_000
        start = text.index("The passage")
        shown = page(kit, text, f"?start={start}&end={start + 12}")
        assert "The passage." in shown
        assert "The beginning is left out here." in shown
        assert "The rest is left out here." in shown

    def test_a_passage_is_never_marked_without_end(self, kit: WebKit) -> None:
        text = "word\n\n" * 10_000
        marked = page(kit, text, f"?start=0&end={len(text)}").partition("<mark")[2].partition("</mark>")[0]
        assert marked.count("word") == pytest.approx(LONGEST_MARK / 6, abs=1)


class TestHead:
    def test_title_date_and_original(self, kit: WebKit) -> None:
        shown = page(kit, TEXT, url="https://example.com/leave?a=1&b=2")
        assert shown.count("<h1>Leave</h1>") == 1
        assert "Last modified 12 January 2026" in shown
        assert '<a href="https://example.com/leave?a=1&amp;b=2" rel="noopener noreferrer nofollow"' in shown

    @pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc/passwd", "//evil.example", "https://", None])
    def test_no_other_address_is_a_link(self, kit: WebKit, url: str | None) -> None:
        assert "Original" not in page(kit, TEXT, url=url)

    def test_a_title_is_text(self, kit: WebKit) -> None:
        shown = page(kit, TEXT, title="<script>alert(1)</script>")
        assert "<script>alert" not in shown


class TestHostileText:
    @pytest.mark.parametrize(
        "text",
        [
            "<script>alert(1)</script>",
            "a <img src=x onerror=alert(1)> b",
            "<iframe src='https://evil.example'></iframe>",
            "![pixel](https://evil.example/x.png)",
            "![pixel][r]\n\n[r]: https://evil.example/x.png",
            '![" onerror="alert(1)](https://evil.example/x.png)',
            "[click](javascript:alert(1))",
            "[click](JaVaScRiPt:alert(1))",
            "[click](java&#115;cript:alert(1))",
            "[click](data:text/html,x)",
            "[click](vbscript:x)",
            "[click](file:///etc/passwd)",
            "[click](/api/logout)",
            "[click](//evil.example)",
            "<javascript:alert(1)>",
            "[click]: javascript:alert(1)\n\n[click]",
            "<style>*{display:none}</style>",
        ],
    )
    def test_nothing_of_it_runs_loads_or_leads_away(self, kit: WebKit, text: str) -> None:
        shown = article(page(kit, text))
        tags = set(re.findall(r"<([a-z0-9]+)", shown))
        assert tags <= {"p", "span"}
        assert not re.search(r"<[^>]+\s(?:on\w+|src|style)\s*=", shown)

    def test_a_link_of_the_web_stays_one_that_tells_nothing(self, kit: WebKit) -> None:
        shown = article(page(kit, "[site](https://example.com) [us](mailto:us@example.com)"))
        assert re.findall(r'href="([^"]+)"', shown) == ["https://example.com", "mailto:us@example.com"]
        assert shown.count('rel="noopener noreferrer nofollow"') == 2


class TestReaders:
    def test_only_those_who_may_read_it_now(self, kit: WebKit) -> None:
        document = kit.document("Salaries", groups=("hr",))
        assert kit.as_person(ADA).get(f"/documents/{document}").status_code == 200
        refused, unknown = (kit.as_person(BOB).get(f"/documents/{each}") for each in (document, "0" * 32))
        assert refused.status_code == unknown.status_code == 404
        assert refused.json() == unknown.json()
        kit.directory.groups[ADA] = frozenset({"everyone"})
        assert kit.as_person(ADA).get(f"/documents/{document}").status_code == 404

    def test_nobody_without_a_name(self, kit: WebKit) -> None:
        assert kit.client().get(f"/documents/{kit.document(TEXT)}").status_code == 401
