"""Databases that are killed while clients ask: what was answered is kept, what can go on goes on."""
import os
import signal
import threading

from harness.engine import Container, inspect, wait_until


class Load:
    """Asks one thing after the other until told to stop."""

    def __init__(self, ask):
        self.answers, self._ask, self._over = [], ask, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self._over.is_set():
            self.answers.append(self._ask())

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join(60)


def kill_database(name):
    """As a machine that runs out of memory does; its restart policy brings it back."""
    database = Container(f"gateway_{name}_1")
    before = database.pid
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: inspect(database.name, "{{.State.Running}}") == "true" and database.pid not in (0, before),
               f"{name} is started again")


def test_no_visit_that_was_answered_is_lost(visitor):
    with Load(visitor.visit) as load:
        wait_until(lambda: len([each for each in load.answers if each]) >= 30, "visits")
        kill_database("visitors-db")
        after = len(load.answers)
        wait_until(lambda: len([each for each in load.answers[after:] if each]) >= 30, "visits after it")
    counts = [own for own, _ in filter(None, load.answers)]
    # Each answer is one more than the one before; a visit whose answer was lost may count too, none may vanish.
    assert all(later > earlier for earlier, later in zip(counts, counts[1:])), counts
    assert visitor.visit()[0] >= counts[-1] + 1
    assert len({total for _, total in filter(None, load.answers)}) == 1


def test_known_tokens_go_on_while_their_database_is_away(visitor):
    with Load(lambda: visitor.jobs()[0]) as load:
        wait_until(lambda: len(load.answers) >= 30, "requests")
        kill_database("app-b-db")
        after = len(load.answers)
        wait_until(lambda: len(load.answers) >= after + 30, "requests after it")
    assert set(load.answers) == {200}
    wait_until(lambda: visitor.jobs("wrong")[0] == 401, "unknown tokens are looked up again")


def test_hello_comes_back(visitor):
    kill_database("hello-db")
    wait_until(lambda: visitor.ask("GET", "/", "hello.localhost") == (200, "Hello, world!"), "the greeting")
