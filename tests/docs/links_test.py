"""Links between pages, and into the repository."""
import pytest

from pages import DOCS, PAGES, ROOT, anchors_of, links_of, name_of

BOOKS = sorted((DOCS / "runbooks").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    lost = []
    for path, anchor in links_of(page):
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or not target.is_relative_to(ROOT):
            lost.append(path)
        elif anchor and (target.suffix != ".md" or anchor not in anchors_of(target)):
            lost.append(f"{path}#{anchor}")
    assert not lost


def test_a_lost_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One two\n\n[a](other.md), ![b](picture.png)\n[c](#one-two) [`d`](#three)\n```\n[e](code.md)\n```\n")
    assert list(links_of(page)) == [("other.md", ""), ("picture.png", ""), ("", "one-two"), ("", "three")]
    assert anchors_of(page) == {"one-two"}


def test_incidents_lead_to_every_runbook():
    linked = {(DOCS / "operations" / path).resolve() for path, _ in links_of(DOCS / "operations/incidents.md") if path}
    assert set(BOOKS) <= linked


def test_no_page_names_a_file_of_pictures_that_nobody_sees():
    """Each picture and drawing is shown by a page."""
    shown = {(page.parent / path).resolve() for page in PAGES for path, _ in links_of(page)}
    pictures = {path for kind in ("png", "svg") for path in DOCS.rglob(f"*.{kind}")}
    assert pictures <= shown
