"""The drawings are what their text says, and a text that cannot be drawn well is refused."""
import re
import subprocess
import xml.etree.ElementTree as xml

import pytest

from pages import DOCS, ROOT

DRAWINGS = sorted((DOCS / "drawings").glob("*.txt"))
GOOD = 'title "Two boxes"\nsize 20 6\nbox a 1 1 6 3 ours "First|second line"\nbox b 13 1 6 3 other "Other"\n' \
       'line a:right b:left solid "asks"\n'


def draw(*arguments):
    return subprocess.run([ROOT / "tools/draw", *arguments], capture_output=True, text=True, check=False)


def test_each_is_what_its_text_says():
    done = draw("--check")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda path: path.stem)
def test_each_is_read_by_eyes_in_both_themes_and_by_those_who_hear(drawing):
    text = drawing.with_suffix(".svg").read_text()
    picture = xml.fromstring(text)
    assert len(picture.get("aria-label")) > 20
    assert "prefers-color-scheme:dark" in text
    assert not re.search(r"(href|src)=|url\((?!#)|@import", text), "it asks somebody for something"


def test_a_drawing_that_changed_is_noticed(tmp_path):
    source = tmp_path / "two.txt"
    source.write_text(GOOD)
    assert draw(source).returncode == 0 and "Other" in (tmp_path / "two.svg").read_text()
    source.write_text(GOOD.replace("Other", "Another"))
    done = draw("--check", source)
    assert done.returncode == 1 and "two.svg is not what two.txt says" in done.stderr


@pytest.mark.parametrize("old, new, said", (
    ("First|second line", "Words that no box of this size could hold", "two.txt:3: the words of a need"),
    ("box b 13", "box b 15", "two.txt:4: it does not fit the size"),
    ("b:left", "c:left", "two.txt:5: there is no c:left"),
    ("solid", "wavy", "two.txt:5: there is no style wavy"),
    ("box b 13 1 6 3 other", "box b 13 1 6 other", "two.txt:4: a box is written otherwise"),
    ("size 20 6\n", "", "two.txt:2: it does not fit the size"),
    ('"asks"', '"asks for much more than there is room for between these two boxes"', "leaves the picture"),
    ('"asks"', '"asks for so much more"', 'the label "asks for so much more" lies on a')))
def test_what_cannot_be_drawn_is_refused_with_its_line(tmp_path, old, new, said):
    source = tmp_path / "two.txt"
    source.write_text(GOOD.replace(old, new))
    done = draw(source)
    assert done.returncode == 1 and said in done.stderr, done.stderr
    assert not (tmp_path / "two.svg").exists()
