"""The site as it is built: complete, closed in itself, and strict about what it is made of."""
import html.parser
import os
import shutil
import subprocess
import urllib.parse

import pytest

from pages import ROOT

VENV = ROOT / "build/site-venv"


def build(root, folder):
    return subprocess.run([root / "tools/build-site", folder], cwd=root, capture_output=True, text=True, check=False)


class Reader(html.parser.HTMLParser):
    """Links, anchors, what a browser would fetch, and words outside of code."""

    def __init__(self, page):
        super().__init__()
        self.links, self.anchors, self.fetched, self.words = [], set(), [], []
        self._silent = 0
        self.feed(page.read_text())

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self._silent += tag in ("pre", "code", "script", "style")
        if "id" in values:
            self.anchors.add(values["id"])
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        elif tag in ("img", "script") and values.get("src"):
            self.fetched.append(values["src"])
        elif tag == "link" and values.get("rel") in ("stylesheet", "icon", "preconnect"):
            self.fetched.append(values["href"])

    def handle_endtag(self, tag):
        self._silent -= tag in ("pre", "code", "script", "style")

    def handle_data(self, data):
        if not self._silent:
            self.words.append(data)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site):
    return {page: Reader(page) for page in site.rglob("*.html") if page.name != "404.html"}


def target_of(page, link):
    """The file that a link means, and the anchor in it; nothing where it leaves the site."""
    parts = urllib.parse.urlsplit(link)
    if parts.scheme or parts.netloc:
        return None, ""
    file = (page.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else page
    return (file / "index.html" if file.is_dir() else file), parts.fragment


def test_links_and_anchors_resolve(pages):
    lost = []
    for page, reader in pages.items():
        for link in reader.links:
            file, anchor = target_of(page, link)
            if file and not (file.is_file() and (not anchor or anchor in pages.get(file, reader).anchors
                                                 or file.suffix != ".html")):
                lost.append((page, link))
    assert not lost


def test_every_page_is_in_the_navigation(site, pages):
    first = site / "index.html"
    reached = {target_of(first, link)[0] for link in pages[first].links}
    assert set(pages) <= reached


def test_it_asks_nobody_else_for_anything(pages):
    for page, reader in pages.items():
        for address in reader.fetched:
            file, _ = target_of(page, address)
            assert file and file.is_file(), f"{page}: {address}"


def test_lists_tables_and_blocks_are_not_left_as_text(pages):
    for page, reader in pages.items():
        for line in "".join(reader.words).splitlines():
            assert not line.lstrip().startswith(("- ", "| ", "```")), f"{page}: {line}"


@pytest.fixture
def copy(tmp_path):
    """All that git has, and what a person has added, where a test may spoil it."""
    names = subprocess.check_output(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT)
    for name in filter(None, names.decode().split("\0")):
        if (ROOT / name).is_file():
            target = tmp_path / "copy" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
    (tmp_path / "copy/build").mkdir()
    os.symlink(VENV, tmp_path / "copy/build/site-venv")
    return tmp_path / "copy"


@pytest.mark.parametrize("page, words, said", (
    ("docs/metrics.md", "[lost](nowhere.md)", "nowhere.md"),
    ("docs/metrics.md", "[lost](architecture.md#no-such-heading)", "no-such-heading"),
    ("docs/metrics.md", "[lost](../gateway/no_such_file.cc)", "no_such_file.cc"),
    ("docs/nobody-names-me.md", "# A page of its own", "nobody-names-me.md")))
def test_what_is_broken_is_not_built(copy, tmp_path, page, words, said):
    with (copy / page).open("a") as file:
        file.write(f"\n{words}\n")
    done = build(copy, tmp_path / "site")
    assert done.returncode != 0 and said in done.stdout + done.stderr, done.stdout + done.stderr


def test_a_new_decision_and_a_new_runbook_need_no_menu(copy, tmp_path):
    for name in ("decisions/999-new.md", "runbooks/New.md"):
        (copy / "docs" / name).write_text("# Something new\n\nWords.\n")
    done = build(copy, tmp_path / "site")
    assert done.returncode == 0, done.stderr
    assert "Something new" in (tmp_path / "site/decisions/index.html").read_text()
