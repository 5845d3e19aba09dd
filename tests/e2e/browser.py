"""A headless Chromium, driven over its debugging pipe: no port, no driver, no library."""
import itertools
import json
import os
import shutil
import subprocess
import tempfile


class Browser:
    """One page. Commands are those of the DevTools protocol."""

    def __init__(self, dark=False, width=1280, height=900):
        program = shutil.which("chromium")
        assert program, "chromium is missing: tools/install-dependencies test"
        self._profile = tempfile.mkdtemp(prefix="browser-")
        self._ids = itertools.count(1)
        self._buffer = b""
        self.events = []
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()

        def place_descriptors():
            # Chromium reads commands from 3 and writes to 4. The first copies keep clear of both.
            first, second = os.dup(to_browser), os.dup(from_browser)
            high_first, high_second = first + 20, second + 20
            os.dup2(first, high_first)
            os.dup2(second, high_second)
            os.dup2(high_first, 3)
            os.dup2(high_second, 4)

        self._process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-extensions", "--disable-background-networking",
             "--disable-component-update", "--no-proxy-server", "--remote-debugging-pipe",
             f"--user-data-dir={self._profile}", f"--window-size={width},{height}", "about:blank"],
            preexec_fn=place_descriptors, close_fds=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": self._profile})
        os.close(to_browser)
        os.close(from_browser)
        target = next(each for each in self._call("Target.getTargets")["targetInfos"]
                      if each["type"] == "page")
        self._session = None
        self._session = self._call("Target.attachToTarget", targetId=target["targetId"],
                                   flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")
        self._call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                   deviceScaleFactor=1, mobile=False)
        # A picture of the whole page has none, and would be cut by its width.
        self._call("Emulation.setScrollbarsHidden", hidden=True)

    _session = None

    def _message(self):
        while b"\0" not in self._buffer:
            piece = os.read(self._read, 1 << 16)
            assert piece, "chromium went away"
            self._buffer += piece
        text, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(text)

    def _call(self, method, **parameters):
        command = {"id": next(self._ids), "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._write, json.dumps(command).encode() + b"\0")
        while True:
            message = self._message()
            if message.get("id") == command["id"]:
                assert "error" not in message, message["error"]
                return message["result"]
            if "method" in message:
                self.events.append(message)

    def open(self, address):
        """Returns when the page and its script are there."""
        self.events.clear()
        answer = self._call("Page.navigate", url=address)
        assert "errorText" not in answer, answer["errorText"]
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            message = self._message()
            if "method" in message:
                self.events.append(message)

    def evaluate(self, expression):
        """The value of a script; promises are awaited."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True,
                            awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, condition):
        """Returns when the condition holds, looked at whenever the page draws or changes."""
        self.evaluate("""new Promise(done => {
          const look = () => { if (document.body && (%s)) { watch.disconnect(); done(); } };
          const watch = new MutationObserver(look);
          watch.observe(document, {subtree: true, childList: true, attributes: true});
          look();
        })""" % condition)

    def screenshot(self, path):
        import base64
        size = self._call("Page.getLayoutMetrics")["cssContentSize"]
        picture = self._call("Page.captureScreenshot", captureBeyondViewport=True,
                             clip={"x": 0, "y": 0, "width": size["width"],
                                   "height": size["height"], "scale": 1})
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture["data"]))

    def complaints(self):
        """What the browser's console would show: script errors, refused resources, CSP reports."""
        self.evaluate("1")
        found = []
        for event in self.events:
            if event["method"] == "Runtime.exceptionThrown":
                found.append(event["params"]["exceptionDetails"].get("text"))
            if event["method"] == "Log.entryAdded":
                found.append(event["params"]["entry"]["text"])
        return found

    def requested(self):
        """Addresses that the page asked for."""
        return [event["params"]["request"]["url"] for event in self.events
                if event["method"] == "Network.requestWillBeSent"]

    def close(self):
        os.close(self._write)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._read)
        shutil.rmtree(self._profile, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
