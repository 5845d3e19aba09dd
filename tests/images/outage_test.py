"""Containers that are killed while clients ask: what was answered is kept, what can go on goes on."""
import threading

import pytest

from harness.engine import of_service, podman, wait_until


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


def test_no_visit_that_was_answered_is_lost(visitor):
    with Load(visitor.visit) as load:
        wait_until(lambda: len([each for each in load.answers if each]) >= 30, "visits")
        of_service("visitors-db").kill()
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
        of_service("app-b-db").kill()
        after = len(load.answers)
        wait_until(lambda: len(load.answers) >= after + 30, "requests after it")
    assert set(load.answers) == {200}
    wait_until(lambda: visitor.jobs("wrong")[0] == 401, "unknown tokens are looked up again")


def test_hello_comes_back(visitor):
    of_service("hello-db").kill()
    wait_until(lambda: visitor.ask("GET", "/", "hello.localhost") == (200, "Hello, world!"), "the greeting")


@pytest.mark.parametrize("service", ("app-a", "app-b", "hello", "hello-back", "visitors", "gateway"))
def test_a_service_that_is_killed_is_found_again(visitor, service):
    """Wherever its network puts it the next time; a token that nobody knows is looked up each time."""
    of_service(service).kill()
    wait_until(lambda: visitor.jobs()[0] == 200, "/jobs answers")
    wait_until(lambda: visitor.jobs(f"after-{service}")[0] == 401, "tokens are looked up")
    wait_until(lambda: visitor.ask("GET", "/", "hello.localhost") == (200, "Hello, world!"), "the greeting")
    wait_until(visitor.visit, "the page counts")


def test_a_service_that_is_replaced_is_found_at_its_new_address(compose, visitor):
    before = of_service("visitors").addresses
    podman("rm", "--force", "--time", "20", of_service("visitors").name)
    compose.run("up", "-d", "--no-build")
    assert of_service("visitors").addresses != before
    wait_until(visitor.visit, "the page counts")
