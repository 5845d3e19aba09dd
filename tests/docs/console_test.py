"""Blocks tagged `console` are run as they stand, on the demo that their page speaks of, and print what is shown there."""
import os
import re
import signal
import subprocess

import pytest

from demo_process import Demo, enter_own_network
from pages import PAGES, ROOT, console_blocks, name_of

# Pages whose commands want a demo that runs. Blocks of other pages run by themselves.
DEMO_OF = {
    "README.md": "demo",
    "docs/exercises/jobs-on-google-cloud.md": "demo",
    "docs/exercises/hello.md": "demo-hello",
    "docs/exercises/visitors.md": "demo-visitors",
    "docs/operations/certificates.md": "demo",
    "docs/operations/databases.md": "demo-visitors",
    "docs/operations/incidents.md": "demo",
}
# What is shown and cannot be run here, with the reason.
NOT_RUN = {
    ("terraform/README.md", "tofu output -json release"): "reads a state in a cloud",
}
SHOWN = {name_of(page): blocks for page in PAGES if (blocks := console_blocks(page))}


@pytest.fixture(scope="module", autouse=True)
def own_network():
    enter_own_network()


@pytest.fixture(scope="module", params=sorted({*DEMO_OF.values(), ""}), ids=lambda name: name or "no demo")
def demo(request):
    if not request.param:
        yield ""
        return
    running = Demo(request.param)
    assert running.process.poll() is None, running.said
    yield request.param
    assert running.end(signal.SIGINT) == 0, running.said


def same(text):
    """What is alike in two runs: no numbers, no names of days, no ids."""
    text = re.sub(r"\b[0-9a-f]{4,}…|\b[0-9a-f]{12,}\b", "ID", text.strip())
    text = re.sub(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d+ \w{3}\b", "DAY", text)
    return re.sub(r"\d+", "N", text)


def printed(folder, commands):
    """Runs them in one shell, as a person at one terminal would; what each one printed, and how it ended."""
    script = "".join(f"{{\n{command}\n}} 2>&1 </dev/null\necho \"@@ $?\"\n" for command in commands)
    (folder / ".curlrc").write_text("silent\nshow-error\n")
    programs = os.environ["GATEWAY_BIN"]
    done = subprocess.run(["bash"], input=script.replace("build/release/bin", programs), cwd=ROOT, text=True, timeout=120,
                          stdout=subprocess.PIPE, check=True,
                          env={**os.environ, "CURL_HOME": str(folder), "PATH": f"{programs}:{os.environ['PATH']}"})
    *parts, rest = re.split(r"@@ (\d+)\n", done.stdout)
    assert rest == "" and len(parts) == 2 * len(commands), done.stdout
    return list(zip(parts[::2], map(int, parts[1::2])))


def find(shown, output):
    """The first line that is shown and was not printed, in the order of what is shown."""
    lines = iter([same(line) for line in output.splitlines()])
    for line in shown:
        pattern = ".*".join(re.escape(piece) for piece in same(line).split("…"))
        if not any(re.fullmatch(pattern, other) for other in lines):
            return line
    return None


def test_what_a_page_shows_is_what_happens(demo, tmp_path):
    pages = [name for name in SHOWN if DEMO_OF.get(name, "") == demo]
    assert pages, "nobody shows this demo"
    for name in pages:
        steps = [step for block in SHOWN[name] for step in block
                 if step[0] != f"make {demo}" and (name, step[0]) not in NOT_RUN]
        for (command, shown), (output, status) in zip(steps, printed(tmp_path, [command for command, _ in steps])):
            lost = find(shown, output)
            assert lost is None, f"{name}: {command}\nshows    {lost}\nprinted\n{output}"
            assert shown or status == 0, f"{name}: {command} ended with {status}\n{output}"


def test_exceptions_and_demos_are_of_pages_that_there_are():
    for name, command in NOT_RUN:
        assert any(step[0] == command for block in SHOWN[name] for step in block), command
    assert set(DEMO_OF) <= set(SHOWN)


def test_a_line_that_was_not_printed_is_found():
    output = "Date: Sat, 21 Nov 2026 05:27:01 GMT\nport 8080\nb910623aa810d7431d9a84a7d2bfbb9f\n"
    assert find(["Date: Mon, 1 Dec 2025 00:00:00 GMT", "port 9", "0123456789ab…"], output) is None
    assert find(["port 9", "Date: …"], output) == "Date: …", "in another order"
    assert find(["port eight"], output) == "port eight"
