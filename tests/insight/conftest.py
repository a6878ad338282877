"""What the tests of insight share: a made-up translation, and a headless Chromium with the network off.

The browser is driven through a pipe: it speaks the DevTools protocol over two file descriptors, so there is
no port, no driver whose version must fit, and nothing to install for Python. The methods are described at
https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from trasluz.decoding.generator import Generator
from trasluz.decoding.translator import Translator
from trasluz.insight.exhibit import Candidate, Exhibit, Step
from trasluz.models.decoder_only import DecoderOnly
from trasluz.models.loaded import LoadedModel

NAMES = ("google-chrome", "google-chrome-stable", "chromium", "chromium-browser", "chrome")
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--force-color-profile=srgb",
    "--remote-debugging-pipe",
]
PATIENCE = 60.0
KEYS = {
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
    "Home": 36,
    "End": 35,
    "Enter": 13,
    "Escape": 27,
    "Tab": 9,
    " ": 32,
}
CONTROL, SHIFT = 2, 8


class Browser:
    """One Chromium process: calls go in as JSON that ends in a zero byte, answers and events come out so."""

    def __init__(self, program: str, *, profile: Path) -> None:
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (theirs_in, theirs_out)]
        self.process = os.posix_spawn(
            program,
            [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            os.environ,
            setpgroup=0,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, str(profile.with_suffix(".log")), os.O_WRONLY | os.O_CREAT, 0o600),
                (os.POSIX_SPAWN_DUP2, high[0], 3),
                (os.POSIX_SPAWN_DUP2, high[1], 4),
            ],
        )
        for end in (theirs_in, theirs_out, *high):
            os.close(end)
        self.ours_in, self.ours_out = ours_in, ours_out
        self.count, self.rest = 0, b""
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, *, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """What a method of the protocol answers; events that come meanwhile are kept."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.ours_out, data) :]
        while True:
            answer = self._receive()
            if answer.get("id") == self.count:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def wait_for(self, event: str) -> None:
        """Until an event of this name has come; those before it are kept as well."""
        while all(one.get("method") != event for one in self.events):
            self.events.append(self._receive())

    def close(self) -> None:
        """End the process, with all that it started."""
        try:
            self.call("Browser.close")
        finally:
            os.close(self.ours_in)
            os.close(self.ours_out)
            end = time.monotonic() + PATIENCE
            while os.waitpid(self.process, os.WNOHANG) == (0, 0):
                if time.monotonic() > end:
                    os.killpg(self.process, signal.SIGKILL)
                select.select([], [], [], 0.02)

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            assert select.select([self.ours_in], [], [], PATIENCE)[0], "the browser does not answer"
            data = os.read(self.ours_in, 1 << 20)
            assert data, "the browser has ended"
            self.rest += data
        message, _, self.rest = self.rest.partition(b"\0")
        received: dict[str, Any] = json.loads(message)
        return received


class Tab:
    """One tab without a network: opens files, answers questions in JavaScript, has a mouse and a keyboard."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)
        self.session = attached["sessionId"]
        browser.events.clear()
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call(
            "Network.emulateNetworkConditions",
            offline=True,
            latency=0,
            downloadThroughput=0,
            uploadThroughput=0,
        )
        self.size(1280, 900)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What a method of the protocol answers for this tab."""
        return self.browser.call(method, session=self.session, **parameters)

    def size(self, width: int, height: int, *, scale: float = 1, touch: bool = False) -> None:
        """The size of the window, in pixels of the page."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=touch,
        )

    def scheme(self, name: str) -> None:
        """The colours that the system prefers: dark or light."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def open(self, path: Path) -> None:
        """Load a file, and wait until it has run."""
        self.browser.events.clear()
        self.call("Page.navigate", url=path.as_uri())
        self.browser.wait_for("Page.loadEventFired")
        self.settle()

    def settle(self) -> None:
        """Wait until what was asked for has been drawn."""
        self.js("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")

    def js(self, expression: str) -> Any:
        """The value of an expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def texts(self, selector: str) -> list[str]:
        """The text of every element."""
        found: list[str] = self.js(
            f"Array.from(document.querySelectorAll({json.dumps(selector)}), (e) => e.textContent)"
        )
        return found

    def hover(self, selector: str) -> None:
        """Move the mouse to the middle of an element, scrolled into view."""
        self._mouse("mouseMoved", *self._middle(selector))

    def click(self, selector: str) -> None:
        """Press and release the mouse on an element."""
        x, y = self._middle(selector)
        self._mouse("mouseMoved", x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self._mouse(kind, x, y, button="left", clickCount=1)

    def press(self, *keys: str, modifiers: int = 0) -> None:
        """Press and release keys, one after the other, wherever the focus is."""
        for key in keys:
            text = {"Enter": "\r", " ": " "}.get(key, "")
            code = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": KEYS[key]}
            down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
            self.call("Input.dispatchKeyEvent", **down, **code, modifiers=modifiers)
            self.call("Input.dispatchKeyEvent", type="keyUp", **code, modifiers=modifiers)

    def choose(self, selector: str, value: str) -> None:
        """Choose in a list, as a user's choice reaches the page."""
        self.js(
            f"(() => {{ const list = document.querySelector({json.dumps(selector)}); "
            f"list.value = {json.dumps(value)}; "
            "list.dispatchEvent(new Event('change', { bubbles: true })); })()"
        )

    def complaints(self) -> list[str]:
        """What went wrong since the page was opened: exceptions, errors and warnings of the console."""
        self.settle()
        found = []
        for event in self.browser.events:
            method, about = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                found.append(json.dumps(about["exceptionDetails"]))
            if method == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning"):
                found.append(about["entry"]["text"])
            if method == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning", "assert"):
                found.append(json.dumps(about["args"]))
        return found

    def requests(self) -> list[str]:
        """Every address that the page asked for since it was opened, itself included."""
        return [
            event["params"]["request"]["url"]
            for event in self.browser.events
            if event.get("method") == "Network.requestWillBeSent"
        ]

    def close(self) -> None:
        """Close the tab."""
        self.browser.call("Target.closeTarget", targetId=self.target)

    def _middle(self, selector: str) -> tuple[float, float]:
        box = self.js(
            f"(() => {{ const found = document.querySelector({json.dumps(selector)}); "
            "found.scrollIntoView({ block: 'center', inline: 'center' }); "
            "const box = found.getClientRects()[0]; "
            "return [box.left + box.width / 2, box.top + box.height / 2]; })()"
        )
        return box[0], box[1]

    def _mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium, or a skip that says it is missing."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"no browser to open the page with: none of {', '.join(NAMES)} is installed")
    running = Browser(program, profile=tmp_path_factory.mktemp("browser") / "profile")
    yield running
    running.close()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    """A fresh tab."""
    opened = Tab(browser)
    yield opened
    opened.close()


@dataclass(frozen=True)
class Drawn:
    """Weights drawn at random, each row a distribution, as float16 can hold them, so that their order is that
    of the page; sizes that cannot be confused.
    """

    L: int = 3
    H: int = 2
    chance: torch.Generator = field(default_factory=lambda: torch.Generator().manual_seed(0))

    def weights(self, T: int, S: int, *, causal: bool = False) -> Tensor:
        """Weights [L,H,T,S]."""
        logits = 2 * torch.randn(self.L, self.H, T, S, generator=self.chance)
        if causal:
            logits = logits.masked_fill(torch.ones(T, S).triu(1).bool(), -torch.inf)
        return logits.softmax(-1).half().float()


@pytest.fixture
def drawn() -> Drawn:
    """The source of weights that the exhibits here are made with."""
    return Drawn()


SOURCE = ["▁The", "▁girl", "▁reads", "▁let", "ters", ".", "</s>"]
TARGET = ["▁La", "▁ni", "<0xC3>", "<0xB1>", "a", "▁no", "▁lee", "▁cart", "as", ".", "</s>"]


@pytest.fixture
def exhibit(drawn: Drawn) -> Exhibit:
    """A translation with everything that can be known of it."""
    S, T = len(SOURCE), len(TARGET)
    steps = [
        Step((Candidate(31 + t, token, -0.25), Candidate(7, "▁otro", -2.0)), 0.5)
        for t, token in enumerate(TARGET)
    ]
    return Exhibit(
        source=tuple(SOURCE),
        target=tuple(TARGET),
        encoder=drawn.weights(S, S),
        decoder=drawn.weights(T, T, causal=True),
        cross=drawn.weights(T, S),
        steps=tuple(steps),
        languages=("en", "es"),
        model="models/eng-spa",
        verdict="complete",
    )


@pytest.fixture(scope="session")
def translator_of() -> Callable[[LoadedModel], Translator]:
    """Makes a translator of a model."""

    def make(loaded: LoadedModel) -> Translator:
        longest = loaded.manifest.longest_source
        return Translator(
            loaded.model,
            loaded.tokenizer,
            longest_source=longest,
            longest_target=loaded.manifest.model.longest_target(longest),
        )

    return make


@pytest.fixture(scope="session")
def generator(untrained: Callable[..., LoadedModel]) -> Generator:
    """A language model that nobody trained."""
    loaded = untrained("decoder-only", task="language-model")
    assert isinstance(loaded.model, DecoderOnly)
    return Generator(loaded.model, loaded.tokenizer)
