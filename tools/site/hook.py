"""What MkDocs cannot know of this repository: documents outside docs/, links to sources, folders, lists as GitLab reads them.

Pages are written for readers of the repository, so their links are paths in it. On the site README.md is the first page, a few
documents outside docs/ are pages too, and any other file that a page links to lies beside them as plain text.
"""
import pathlib
import posixpath
import re

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = ("bench/README.md", "bench/RESULTS.md", "bench/autoscaling/README.md", "terraform/README.md")
# Folders whose first page is a list of the others.
LISTS = {"decisions": ("Decisions", "Why things are as they are, one page each: context, decision, consequence."),
         "runbooks": ("Runbooks", "One for each alert: what to look at first, what it may be, what to do.")}
PICTURES = (".svg", ".png")
LINK = re.compile(r"(!?\[(?:[^\[\]]|\[[^\]]*\])*\]\()([^)\s]+)(\))")
MARKER = re.compile(r"( *)([-*+]|\d{1,9}[.)])( +)\S")
FENCE = re.compile(r" *(```+|~~~+)")


def title_of(path):
    return path.read_text().split("\n", 1)[0].removeprefix("# ")


def split_code(text):
    """Pieces of a page in turn: words, a block of code, words, ..."""
    return re.split(r"(^ *```.*?^ *```[^\n]*$)", text, flags=re.M | re.S)


def repository_path(uri):
    """Where the source of a page lies."""
    if uri == "index.md":
        return "README.md"
    return uri if uri in DOCUMENTS else f"docs/{uri}"


def site_path(path):
    """Where on the site a path of the repository is found; a folder's first page for a folder."""
    place = ROOT / path
    if path == "README.md":
        return "index.md"
    if path in DOCUMENTS:
        return path
    if path.startswith("docs/"):
        return path.removeprefix("docs/") + ("/index.md" if place.is_dir() else "")
    if not place.is_file():
        raise PluginError(f"there is no file {path}")
    return path if path.endswith(PICTURES) else f"source/{path}.txt"


def targets_of(uri, text):
    """Links of a page that lead into the repository: as written, without the anchor, and the path that is meant."""
    folder = posixpath.dirname(repository_path(uri))
    for _, target, _ in LINK.findall("".join(split_code(text)[::2])):
        path = target.split("#")[0]
        if path and not re.match(r"[a-z]+:", path):
            yield target, posixpath.normpath(posixpath.join(folder, path))


def on_config(config):
    named = set(re.findall(r"[\w./-]+\.md", str(config.nav)))

    def expand(entry):
        if isinstance(entry, dict):
            return [{name: inner} if isinstance(inner, str) and not inner.endswith("/*") else
                    {name: [each for part in (inner if isinstance(inner, list) else [inner]) for each in expand(part)]}
                    for name, inner in entry.items()]
        if not entry.endswith("/*"):
            return [entry]
        folder = entry.removesuffix("/*")
        pages = [f"{folder}/index.md"] if folder in LISTS else []
        pages += sorted(path.relative_to(config.docs_dir).as_posix() for path in pathlib.Path(config.docs_dir, folder).glob("*.md"))
        return [page for page in pages if page not in named]

    config.nav = [each for entry in config.nav for each in expand(entry)]
    return config


def on_files(files, config):
    def add(uri, **source):
        if files.get_file_from_path(uri) is None:
            files.append(File.generated(config, uri, **source))

    for uri in ("index.md", *DOCUMENTS):
        add(uri, abs_src_path=str(ROOT / repository_path(uri)))
    for folder, (title, words) in LISTS.items():
        pages = sorted(pathlib.Path(config.docs_dir, folder).glob("*.md"))
        links = "\n".join(f"- [{title_of(page)}]({page.name})" for page in pages)
        add(f"{folder}/index.md", content=f"# {title}\n\n{words}\n\n{links}\n")
    for page in list(files.documentation_pages()):
        for _, path in targets_of(page.src_uri, page.content_string):
            if not path.startswith("docs/") and path not in ("README.md", *DOCUMENTS):
                add(_known(page.src_uri, path), abs_src_path=str(ROOT / path))
    return files


def _known(uri, path):
    try:
        return site_path(path)
    except PluginError as error:
        raise PluginError(f"{repository_path(uri)}: {error}") from error


def with_site_links(uri, text):
    paths = dict(targets_of(uri, text))

    def replace(match):
        path = paths.get(match[2])
        if path is None:
            return match[0]
        anchor = match[2][match[2].index("#"):] if "#" in match[2] else ""
        return match[1] + posixpath.relpath(_known(uri, path), posixpath.dirname(uri) or ".") + anchor + match[3]

    pieces = split_code(text)
    pieces[::2] = [LINK.sub(replace, piece) for piece in pieces[::2]]
    return "".join(pieces)


def with_deep_lists(text):
    """Python-Markdown wants four columns where CommonMark, and so GitLab, wants as many as the item's marker has."""
    out, columns, fence, before = [], [], None, ""
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip())
        if fence is None and line.strip():
            while columns and indent < columns[-1]:
                columns.pop()
        shift = 4 * len(columns) - (columns[-1] if columns else 0)
        opened = FENCE.match(line)
        if fence is not None:
            if line.strip() == fence:
                fence = None
        elif opened:
            fence = opened[1]
        elif item := MARKER.match(line):
            # A list may follow a paragraph at once there, and not here.
            if not columns and before.strip() and not MARKER.match(before) and not before.startswith(("#", "|")):
                out.append("")
            columns.append(len(item[1]) + len(item[2]) + len(item[3]))
        out.append(" " * shift + line if line.strip() else line)
        before = line
    return "\n".join(out)


def on_page_markdown(markdown, page, **_):
    return with_deep_lists(with_site_links(page.file.src_uri, markdown))
