"""The pages as a reader of the repository has them: links, headings, blocks of commands, tables."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", *(ROOT / "bench").rglob("*.md"), ROOT / "terraform/README.md"])
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```[^\n]*$", re.M | re.S)


def name_of(page):
    return page.relative_to(ROOT).as_posix()


def words_of(page):
    """The text without blocks of code."""
    return FENCE.sub("", page.read_text())


def links_of(page):
    """Those that lead somewhere in the repository, as (path or nothing, anchor or nothing)."""
    for target in LINK.findall(words_of(page)):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            yield path, anchor


def anchors_of(page):
    """Of headings, as GitLab and MkDocs both make them, and those that stand there by themselves."""
    found = set(re.findall(r'<a id="([^"]+)">', words_of(page)))
    for heading in re.findall(r"^#+ +(.*?)\s*$", words_of(page), re.M):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading)).strip("-"))
    return found


def console_blocks(page):
    """Blocks that show a terminal, each a list of (command, what it printed)."""
    blocks = []
    for language, text in FENCE.findall(page.read_text()):
        if language != "console":
            continue
        steps = []
        for line in text.splitlines():
            line = line.strip()
            if line.startswith("$ "):
                steps.append((line[2:], []))
            elif steps and steps[-1][0].endswith("\\"):
                steps[-1] = (steps[-1][0] + "\n" + line, [])
            elif line:
                steps[-1][1].append(line)
        blocks.append(steps)
    return blocks


def last_table(page):
    """The rows of the table that a page ends in, head first; nothing where it ends otherwise."""
    rows = []
    for line in reversed(page.read_text().rstrip().splitlines()):
        if not line.startswith("|"):
            break
        rows.insert(0, [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return [rows[0], *rows[2:]] if rows else []
