"""A headless Chromium that tests speak to through its DevTools protocol, over a pipe: no port, no other library."""

import itertools
import json
import os
import shutil
from pathlib import Path

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --remote-debugging-pipe"
)
OFFLINE = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
KEYS = {"Tab": 9, "Enter": 13}


class Browser:
    """One page of one browser, its network off; what happens in it stands in `events`."""

    def __init__(self, profile: Path) -> None:
        (ours, theirs), (answers, asked) = os.pipe(), os.pipe()
        command = ["chromium", *FLAGS.split(), f"--user-data-dir={profile}", "about:blank"]
        moved = [
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, ours, 3),  # it reads from 3 and writes to 4
            (os.POSIX_SPAWN_DUP2, asked, 4),
        ]
        self._process = os.posix_spawn(CHROMIUM, command, os.environ, file_actions=moved)
        os.close(ours)
        os.close(asked)
        self._to, self._from = os.fdopen(theirs, "wb"), os.fdopen(answers, "rb")
        self._numbers, self._session = itertools.count(1), {}
        self.events = []
        (page,) = [entry for entry in self.call("Target.getTargets")["targetInfos"] if entry["type"] == "page"]
        session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        self._session = {"sessionId": session}
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.call(f"{domain}.enable")
        self.call("Network.emulateNetworkConditions", **OFFLINE)

    def _next(self):
        read = bytearray()
        while (byte := self._from.read(1)) not in (b"\0", b""):
            read += byte
        return json.loads(read)

    def call(self, method, **parameters):
        """Ask for something and return the answer."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters, **self._session}
        self._to.write(json.dumps(message).encode() + b"\0")
        self._to.flush()
        while (answer := self._next()).get("id") != number:
            self.events.append(answer)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def open(self, path, *, width=1280, media="screen"):
        """Open a file in a window of that width and wait until it is loaded."""
        self.events.clear()
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.call("Emulation.setEmulatedMedia", media=media)
        self.call("Page.navigate", url=Path(path).resolve().as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())

    def value(self, expression):
        """Evaluate JavaScript in the page and return its value."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def press(self, key):
        """Press and release a key."""
        code = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        text = {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **code, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **code)

    def accessible(self):
        """Return what a screen reader is given: role, name and description of every node that it is told of."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [
            {key: node.get(key, {}).get("value", "") for key in ("role", "name", "description")}
            | {entry["name"]: entry["value"].get("value") for entry in node.get("properties", ())}
            for node in nodes
            if not node["ignored"]
        ]

    def said(self):
        """Return what the console or the log has heard since the page was opened, errors of scripts included."""
        heard = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [event for event in self.events if event.get("method") in heard]

    def asked_for(self):
        """Return the addresses that the page asked for."""
        sent = [event for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    def close(self):
        """End the browser."""
        self.call("Browser.close")
        self._to.close()
        self._from.close()
        os.waitpid(self._process, 0)
