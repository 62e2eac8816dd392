# SPDX-License-Identifier: Apache-2.0
"""Headless Chromium on a host of the lab, driven by the DevTools protocol over a pair of pipes.

Only what the cases need: pages, scripts in them, what the network stack saw, pictures."""
import base64
import json
import os
import subprocess
import threading
import time

from lab import common


class Browser:
    """One browser process with a fresh profile."""

    def __init__(self, host, *arguments):
        self.host, self.number, self.lock = host, 0, threading.Lock()
        self.answers, self.pages, self.changed = {}, {}, threading.Condition()
        their_in, self.output = os.pipe()
        self.input, their_out = os.pipe()
        # The protocol wants descriptors 3 and 4; the shell moves the pipes there.
        command = ["bash", "-c", f'exec "$@" 3<&{their_in} 4>&{their_out}', "_"] + host.command([
            "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--autoplay-policy=no-user-gesture-required", "--mute-audio", "--window-size=1100,900",
            f"--user-data-dir={host.path('chromium', 'profile')}", "--remote-debugging-pipe", *arguments])
        self.process = subprocess.Popen(
            command, pass_fds=(their_in, their_out), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(host.path("chromium.log"), "ab"), env={**os.environ, "HOME": str(host.folder)}, preexec_fn=common._die_with_parent)
        os.close(their_in)
        os.close(their_out)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        buffer = b""
        while chunk := os.read(self.input, 1 << 16):
            buffer += chunk
            while b"\0" in buffer:
                message, buffer = buffer.split(b"\0", 1)
                self._receive(json.loads(message))

    def _receive(self, message):
        with self.changed:
            if "id" in message:
                self.answers[message["id"]] = message
            elif page := self.pages.get(message.get("sessionId")):
                page.events.append((message["method"], message["params"]))
            self.changed.notify_all()

    def call(self, method, session=None, timeout=30, **parameters):
        with self.lock:
            self.number += 1
            number = self.number
            message = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
            os.write(self.output, json.dumps(message).encode() + b"\0")
        with self.changed:
            if not self.changed.wait_for(lambda: number in self.answers, timeout):
                raise TimeoutError(f"{method} had no answer in {timeout} s")
            answer = self.answers.pop(number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error'].get('message')}")
        return answer["result"]

    def page(self, url=None):
        page = Page(self)
        if url:
            page.open(url)
        return page

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.output)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Page:
    """A tab."""

    def __init__(self, browser):
        self.browser, self.events = browser, []
        self.target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        browser.pages[self.session] = self
        for domain in ("Page", "Network", "Runtime"):
            self.call(f"{domain}.enable")

    def call(self, method, timeout=30, **parameters):
        return self.browser.call(method, self.session, timeout, **parameters)

    def wait(self, condition, what, timeout=30):
        """Until `condition()` is true; its value."""
        end = time.monotonic() + timeout
        while True:
            if value := condition():
                return value
            if time.monotonic() > end:
                raise TimeoutError(f"waited {timeout} s for {what}")
            time.sleep(0.05)

    def open(self, url, timeout=60):
        """As if typed into the address bar; returns the status of the document."""
        start = len(self.events)
        failed = self.call("Page.navigate", timeout, url=url).get("errorText")
        if failed:
            return failed
        self.wait(lambda: self._seen("Page.loadEventFired", start), f"{url} to load", timeout)
        return self.status(url, start)

    def open_when_found(self, url, timeout=60):
        """As `open`; a page that says it is looking for peers (503) is waited out, as its reader would: it goes by itself."""
        start = len(self.events)
        status = self.open(url, timeout)
        if status == 503:
            self.wait(lambda: self.status(url, start) != 503, f"{url} to be found", timeout)
            self.wait(lambda: self.evaluate("document.readyState") == "complete", f"{url} to load", timeout)
            status = self.status(url, start)
        return status

    def _seen(self, method, start):
        return [parameters for name, parameters in list(self.events)[start:] if name == method]

    def status(self, url, start=0):
        """HTTP status of the last response for the URL that the network stack saw, or None."""
        statuses = [p["response"]["status"] for p in self._seen("Network.responseReceived", start) if p["response"]["url"].split("#")[0] == url]
        return statuses[-1] if statuses else None

    def responses(self, prefix, start=0):
        return [p["response"] for p in self._seen("Network.responseReceived", start) if p["response"]["url"].startswith(prefix)]

    def evaluate(self, script, timeout=30):
        """The value of an expression, or of the promise that it is; a throw in the page is raised here."""
        answer = self.call("Runtime.evaluate", timeout, expression=script, awaitPromise=True, returnByValue=True, userGesture=True)
        if "exceptionDetails" in answer:
            detail = answer["exceptionDetails"]
            raise RuntimeError(detail.get("exception", {}).get("description") or detail["text"])
        return answer["result"].get("value")

    def location(self):
        return self.evaluate("location.href")

    def screenshot(self, path, width=1100, height=900, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        time.sleep(0.3)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))
        self.call("Emulation.clearDeviceMetricsOverride")
