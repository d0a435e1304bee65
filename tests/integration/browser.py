"""A headless Chromium for tests of pages, driven over its DevTools protocol
(https://chromedevtools.github.io/devtools-protocol/) by two pipes: nothing but python3 and chromium.

    with Browser() as browser:
        page = browser.open("file:///tmp/report.html", width=400, dark=True)
        assert page.evaluate("document.title") == "demo"
        assert not page.problems
"""
import base64
import json
import os
import shutil
import subprocess
import tempfile
import time

PATIENCE = 90  # seconds that a wait may take; a busy machine included
SKIPPED = 77  # exit code of a test that cannot run here

# What is written, against what is behind it: WCAG 2.1's contrast ratio, the least of all.
CONTRAST = """(() => {
    const parse = c => c.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = element => {
        for (; element; element = element.parentElement) {
            const colour = parse(getComputedStyle(element).backgroundColor);
            if (colour.length < 4 || colour[3] > 0)
                return colour;
        }
        return parse(getComputedStyle(document.body).backgroundColor);
    };
    let least = [99, ""];
    for (const element of document.querySelectorAll(
        "a,h1,h2,h3,p,td,th,caption,small,figcaption,b,span,dt,dd,li,label,summary,pre,text")) {
        if (!element.textContent.trim())
            continue;
        const style = getComputedStyle(element);
        const a = light(parse(element.tagName === "text" ? style.fill : style.color));
        const b = light(behind(element));
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < least[0])
            least = [ratio, element.tagName + ": " + element.textContent.slice(0, 40)];
    }
    return least;
})()"""


def program():
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Browser:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="assay-browser-")
        read_commands, self.commands = os.pipe()
        self.answers, write_answers = os.pipe()

        def place():  # the browser reads from 3 and writes to 4
            ends = os.dup(read_commands), os.dup(write_answers)
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self.process = subprocess.Popen(
            [program(), "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu",
             "--no-first-run", "--disable-background-networking", "--disable-component-update",
             "--disable-dev-shm-usage", "--hide-scrollbars", f"--user-data-dir={self.folder}"],
            preexec_fn=place, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(read_commands)
        os.close(write_answers)
        self.number, self.rest, self.pages = 0, b"", {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.commands)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.answers)
        shutil.rmtree(self.folder, ignore_errors=True)

    def message(self):
        """The next message; events of pages are given to them."""
        while b"\0" not in self.rest:
            read = os.read(self.answers, 1 << 16)
            if not read:
                raise RuntimeError("the browser has ended")
            self.rest += read
        line, _, self.rest = self.rest.partition(b"\0")
        message = json.loads(line)
        if "method" in message and message.get("sessionId") in self.pages:
            self.pages[message["sessionId"]].take(message["method"], message["params"])
        return message

    def send(self, method, session=None, **params):
        self.number += 1
        number, command = self.number, {"id": self.number, "method": method, "params": params}
        if session is not None:
            command["sessionId"] = session
        os.write(self.commands, json.dumps(command).encode() + b"\0")
        while True:
            message = self.message()
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return message["result"]

    def open(self, url, width=1200, height=900, dark=False):
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        self.pages[session] = page
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            page.send(domain + ".enable")
        page.show(width, height, dark)
        page.go(url)
        return page


class Page:
    def __init__(self, browser, session):
        self.browser, self.session = browser, session
        self.problems = []  # errors and warnings on the console, exceptions, what could not be loaded
        self.requests = []  # addresses
        self.loaded = False

    def send(self, method, **params):
        return self.browser.send(method, self.session, **params)

    def take(self, event, params):
        if event == "Page.loadEventFired":
            self.loaded = True
        elif event == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif event == "Network.loadingFailed" and not params.get("canceled"):
            self.problems.append("not loaded: " + params["errorText"])
        elif event == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description", details["text"]))
        elif event == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.problems.append(" ".join(str(a.get("value", a.get("description")))
                                          for a in params["args"]))
        elif event == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.problems.append(params["entry"]["text"])

    def show(self, width, height, dark=False):
        """How large the window is, as on a device of that size, and whether its user likes it dark."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, mobile=width < 600,
                  deviceScaleFactor=1)
        self.send("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def go(self, url):
        self.loaded = False
        self.send("Page.navigate", url=url)
        while not self.loaded:
            self.browser.message()

    def evaluate(self, expression):
        """The value of a JavaScript expression; of a promise, what it comes to."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True,
                           awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description", expression))
        return answer["result"].get("value")

    def until(self, expression):
        """Waits until the expression is true, and returns it."""
        deadline = time.monotonic() + PATIENCE
        while not (value := self.evaluate(expression)):
            if time.monotonic() > deadline:
                raise RuntimeError(f"no end to waiting: {expression}")
            time.sleep(0.05)
        return value

    def press(self, key):
        """A key by its name: "Tab", "Enter", "ArrowRight"."""
        codes = {"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
        for kind in ("rawKeyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                      windowsVirtualKeyCode=codes[key])

    def accessible(self):
        """What a screen reader is told: (role, name) of each node that it does not pass by."""
        nodes = self.send("Accessibility.getFullAXTree")["nodes"]
        return [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes
                if not n["ignored"] and "role" in n]

    def screenshot(self, path, whole=True):
        """The window, or the whole page below it too."""
        options = {}
        if whole:
            size = self.send("Page.getLayoutMetrics")["cssContentSize"]
            options = {"captureBeyondViewport": True,
                       "clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"],
                                "scale": 1}}
        data = self.send("Page.captureScreenshot", format="png", **options)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
