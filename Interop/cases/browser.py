# SPDX-License-Identifier: Apache-2.0
"""An ordinary browser on the gateway: what a reader sees, and what hostile pages must not reach.

Each hostile case runs the same attempts from a page of another origin on the same machine, from one on another host,
and from another Roost site that the reader has opened."""
import base64
import json
import pathlib
import sys

import roost
from cdp import Browser
from clients import DHT
from content import expect_same
from lab import ROOT
from registry import case

SAMPLE = ROOT / "Samples/site"
PICTURES = ROOT / "Interop/output"
HOSTILE = ROOT / "Interop/hostile.py"
CONTENT, CONTROL = 8420, 8421


def label(site):
    return base64.b32encode(bytes.fromhex(site)).decode().rstrip("=").lower()


def origin(report):
    return f"http://{label(roost.site_id(report))}.localhost:{CONTENT}"


class Scene:
    """A publisher with three sites, a reader with a node and a browser, and an attacker's web server in two places.

    `victim`: open in the reader's browser. `unseen`: never opened by the reader. `attacker`: a Roost site, opened."""

    def __init__(self, lab, *arguments):
        dht = DHT(lab, nodes=4)
        self.publisher = roost.Node(lab.host("publisher"), dht).wait_dht(nodes=2)
        host = self.publisher.host
        plain = "<!doctype html><title>{0}</title><body>{0}</body>"
        for name in ("unseen", "attacker"):
            host.path(name, "index.html").write_text(plain.format(name))
            host.path(name, "film.webm").write_bytes((SAMPLE / "assets/dawn.webm").read_bytes())
        host.path("victim").mkdir()
        host.run(["cp", "-r", f"{SAMPLE}/.", host.path("victim")])
        self.victim, self.unseen, self.attacker = (
            self.publisher.publish(host.path(name), "--new", "--label", "1.0.0") for name in ("victim", "unseen", "attacker"))
        self.reader = roost.Node(lab.host("reader"), dht).wait_dht(nodes=2)
        self.near = self.reader.host.start([sys.executable, HOSTILE, "127.0.0.1:9000"])
        far = lab.host("far")
        self.far = far.start([sys.executable, HOSTILE, f"{far.address}:80"])
        self.far_origin = f"http://{far.address}"
        self.near_origin = "http://hostile.localhost:9000"
        for server in (self.near, self.far):
            server.wait_line(lambda line: "ready" in line, 10)
        # What the reader has opened by name; a browser alone is asked first.
        for report in (self.victim, self.attacker):
            self.reader.command("open", "--print", roost.address_of(report))
        self.browser = Browser(self.reader.host, *arguments)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.browser.close()

    def open_victim(self):
        page = self.browser.page()
        expect(page.open_when_found(origin(self.victim) + "/"), 200, "the victim's page")
        return page

    def attackers(self):
        """(name, page) of each place that attacks."""
        for name, url in (("another port", self.near_origin), ("another host", self.far_origin), ("another Roost site", origin(self.attacker))):
            page = self.browser.page()
            expect(page.open_when_found(url + "/"), 200, name)
            yield name, page

    def hits(self):
        return [json.loads(line)["path"] for server in (self.near, self.far) for _, line in list(server.lines) if '"hit"' in line]

    def untouched(self, what):
        """Fails when the reader's node took up the site that the reader never opened."""
        known = json.dumps([self.reader.value("site", "list"), self.reader.value("status")])
        for mark in (roost.site_id(self.unseen), self.unseen["v1"], self.unseen["v2"]):
            if mark in known:
                raise AssertionError(f"{what} made the node take up a site that the reader never opened")


def expect(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: {got!r} and not {wanted!r}")


def refused(value, what, secret):
    """The page got nothing: an error, or a response that it cannot read."""
    if secret in json.dumps(value):
        raise AssertionError(f"{what} could read: {json.dumps(value)[:120]}")


# -------------------------------------------------------------------- what a reader sees

@case("browser", "S0-17 S2-17: a page from another peer: its text, picture and style; a relative link; a picture of it is kept")
def page(lab):
    with Scene(lab) as scene:
        page = scene.open_victim()
        expect(page.evaluate("document.querySelector('h1').textContent"), "A website that its readers host", "the heading")
        page.wait(lambda: page.evaluate("document.querySelector('.hero img').naturalWidth") == 720, "the picture")
        expect(page.evaluate("getComputedStyle(document.querySelector('.hero')).backgroundColor"), "rgb(35, 42, 77)", "the style sheet")
        page.screenshot(PICTURES / "home.png")
        page.screenshot(PICTURES / "home-narrow-dark.png", width=420, height=900, dark=True)
        page.evaluate("document.querySelector('nav a[href=\"about/\"]').click()")
        page.wait(lambda: page.location() == origin(scene.victim) + "/about/", "the relative link")
        page.wait(lambda: page.evaluate("document.querySelector('h1')?.textContent") == "How it works", "the second page")
        page.screenshot(PICTURES / "about.png")
        expect(page.open(origin(scene.victim) + "/nowhere/none.html"), 404, "a missing page")
        expect(page.evaluate("document.querySelector('h1').textContent"), "This page is not in this release", "the site's own 404 page")


@case("browser", "S2-17: the film seeks: the browser asks for ranges, gets 206, and shows the second that was asked for")
def film(lab):
    with Scene(lab) as scene:
        page = scene.open_victim()
        page.open(origin(scene.victim) + "/gallery/")
        seek = """new Promise((done, fail) => {
            const film = document.getElementById('film');
            const go = () => { film.onseeked = () => done(film.currentTime); film.currentTime = 20; };
            film.onerror = () => fail(new Error(film.error.message));
            film.readyState > 0 ? go() : film.onloadedmetadata = go;
        })"""
        expect(page.evaluate(seek, timeout=60), 20, "the position after seeking")
        statuses = {response["status"] for response in page.responses(origin(scene.victim) + "/assets/dawn.webm")}
        expect(statuses, {206}, "the statuses of the film's responses")
        page.screenshot(PICTURES / "gallery-seeked.png")
        asked = """fetch('../assets/dawn.webm', {headers: {Range: 'bytes=1000-1999'}})
            .then(async r => [r.status, r.headers.get('content-range'), (await r.arrayBuffer()).byteLength])"""
        size = (SAMPLE / "assets/dawn.webm").stat().st_size
        expect(page.evaluate(asked), [206, f"bytes 1000-1999/{size}", 1000], "a range")


@case("browser", "the home page of the node opens, and its pictures are kept")
def home(lab):
    with Scene(lab) as scene:
        scene.open_victim()
        done = scene.reader.command("ui", "--print")
        page = scene.browser.page()
        page.open(done.stdout.strip().splitlines()[-1])
        page.wait(lambda: page.evaluate("document.title.length") > 0, "a title")
        page.wait(lambda: "verified key, version 1.0.0, seq 1, 1 peer" in page.evaluate("document.body.innerText"), "the badge of the open site")
        page.screenshot(PICTURES / "ui.png")
        page.screenshot(PICTURES / "ui-narrow-dark.png", width=420, height=900, dark=True)


@case("browser", "S0-18 S3-030: the publisher is gone and the reader's page still loads")
def still_there(lab):
    with Scene(lab) as scene:
        scene.open_victim()
        scene.reader.fetch(roost.address_of(scene.victim), scene.reader.host.path("got"))
        expect_same(SAMPLE, scene.reader.host.path("got"))
        scene.publisher.stop()
        page = scene.open_victim()
        expect(page.evaluate("document.querySelector('h1').textContent"), "A website that its readers host", "the heading")


# -------------------------------------------------------------------- what a hostile page must not reach

SECRET = "A website that its readers host"

READING = {
    "fetch with CORS": "fetch('{0}/').then(r => r.text())",
    "fetch with credentials": "fetch('{0}/', {{credentials: 'include'}}).then(r => r.text())",
    "fetch without CORS": "fetch('{0}/', {{mode: 'no-cors'}}).then(async r => [r.type, await r.text()])",
    "XMLHttpRequest": "new Promise(d => {{ const x = new XMLHttpRequest(); x.open('GET', '{0}/'); x.onloadend = () => d(x.responseText); x.send(); }})",
    "a frame": """new Promise(d => {{ const f = document.createElement('iframe'); f.src = '{0}/'; document.body.append(f);
        setTimeout(() => {{ let t = ''; try {{ t = f.contentDocument.documentElement.outerHTML }} catch (e) {{ t = String(e) }} d(t) }}, 1500) }})""",
    "a window": """new Promise(d => {{ const w = window.open('{0}/');
        setTimeout(() => {{ let t = ''; try {{ t = w.document.documentElement.outerHTML }} catch (e) {{ t = String(e) }} d(t) }}, 1500) }})""",
    "an event stream": "new Promise(d => {{ const s = new EventSource('{0}/'); s.onmessage = e => d(e.data); s.onerror = () => {{ s.close(); d('error') }} }})",
    "a picture on a canvas": """new Promise(d => {{ const i = new Image(); i.crossOrigin = 'anonymous'; i.onerror = () => d('error');
        i.onload = () => d('{1}'); i.src = '{0}/assets/dusk.png' }})""",
    "a script's source": "import('{0}/index.html').then(String, String)",
}


def attempt(page, script, timeout=30):
    """What the page got; a throw is what the browser or the gateway answered with."""
    try:
        return page.evaluate(script, timeout)
    except RuntimeError as error:
        return f"refused: {error}"


@case("browser", "no other page can read an open site")
def reading(lab):
    with Scene(lab) as scene:
        scene.open_victim()
        for name, page in scene.attackers():
            for way, script in READING.items():
                refused(attempt(page, script.format(origin(scene.victim), SECRET)), f"{name} by {way}", SECRET)
            opened = [r["status"] for r in page.responses(origin(scene.victim)) if r["status"] < 400]
            expect(opened, [], f"statuses of the gateway's answers to {name}")


@case("browser", "an opened window of a site gives its opener no handle (COOP), and sites share no storage")
def isolation(lab):
    with Scene(lab) as scene:
        victim = scene.open_victim()
        victim.evaluate("localStorage.setItem('secret', 'kept'); document.cookie = 'secret=kept; path=/'")
        for name, page in scene.attackers():
            kept = page.evaluate("[localStorage.getItem('secret'), document.cookie]")
            refused(kept, name, "kept")
            severed = "new Promise(d => { const w = window.open('%s/'); setTimeout(() => d(w === null || w.closed), 2500) })" % origin(scene.victim)
            expect(page.evaluate(severed), True, f"whether {name} has lost the window that it opened")


DRIVING = {
    "a picture": "new Promise(d => {{ const i = new Image(); i.onload = i.onerror = e => d(e.type); i.src = '{0}/film.webm' }})",
    "a script": "new Promise(d => {{ const s = document.createElement('script'); s.onload = s.onerror = e => d(e.type); s.src = '{0}/index.html'; document.head.append(s) }})",
    "a style sheet": "new Promise(d => {{ const s = document.createElement('link'); s.rel = 'stylesheet'; s.onload = s.onerror = e => d(e.type); s.href = '{0}/a.css'; document.head.append(s) }})",
    "a film": "new Promise(d => {{ const v = document.createElement('video'); v.onloadedmetadata = v.onerror = e => d(e.type); v.src = '{0}/film.webm'; document.body.append(v) }})",
    "a frame": "new Promise(d => {{ const f = document.createElement('iframe'); f.onload = f.onerror = e => d(e.type); f.src = '{0}/'; document.body.append(f); setTimeout(d, 2000) }})",
    "an object": "new Promise(d => {{ const o = document.createElement('object'); o.onload = o.onerror = e => d(e.type); o.data = '{0}/'; document.body.append(o); setTimeout(d, 2000) }})",
    "a prefetch": "new Promise(d => {{ const l = document.createElement('link'); l.rel = 'prefetch'; l.href = '{0}/'; document.head.append(l); setTimeout(d, 1500) }})",
    "fetch": "fetch('{0}/', {{mode: 'no-cors'}}).then(r => r.type)",
    "fetch POST": "fetch('{0}/', {{mode: 'no-cors', method: 'POST', body: 'x'}}).then(r => r.type)",
    "a beacon": "new Promise(d => {{ navigator.sendBeacon('{0}/', 'x'); setTimeout(d, 1000) }})",
    "a form in a frame": """new Promise(d => {{ document.body.insertAdjacentHTML('beforeend', '<iframe name=t></iframe><form method=POST target=t action="{0}/"><input name=a></form>');
        document.forms[document.forms.length - 1].submit(); setTimeout(d, 1500) }})""",
    "a redirected picture": "new Promise(d => {{ const i = new Image(); i.onload = i.onerror = e => d(e.type); i.src = '{1}/go?to=' + encodeURIComponent('{0}/film.webm') }})",
    "a redirected fetch": "fetch('{1}/go?to=' + encodeURIComponent('{0}/'), {{mode: 'no-cors'}}).then(r => r.type)",
    "a WebSocket": "new Promise(d => {{ const s = new WebSocket('{0}/'.replace('http', 'ws')); s.onopen = s.onerror = e => d(e.type) }})",
}


@case("browser", "no page makes the node fetch or seed a site by sub-resource, frame, form, redirect, fetch, beacon or WebSocket")
def driving(lab):
    with Scene(lab) as scene:
        scene.open_victim()
        target = origin(scene.unseen)
        for name, page in scene.attackers():
            for way, script in DRIVING.items():
                if attempt(page, script.format(target, scene.near_origin)) == "open":
                    raise AssertionError(f"{name} opened {way}")
            good = [r["status"] for r in page.responses(target) if r["status"] < 400]
            expect(good, [], f"statuses of the gateway's answers to {name}")
            scene.untouched(name)


@case("browser", "a link or redirect from elsewhere to an unknown site asks first, also where the reader typed the redirecting address; the reader's yes opens it")
def asking(lab):
    with Scene(lab) as scene:
        target = origin(scene.unseen) + "/"
        for name, page in scene.attackers():
            page.evaluate(f"location.href = '{target}'")
            page.wait(lambda: page.location().startswith(target), "the question")
            body = page.wait(lambda: page.evaluate("document.body?.innerText"), "the question's text")
            if "open this site" not in body.lower():
                raise AssertionError(f"coming from {name} there was no question, but: {body[:200]}")
            scene.untouched(f"a link from {name}")
        page = scene.browser.page()
        page.open(scene.near_origin + "/")
        page.evaluate(f"location.href = '/go?to={target}'")
        page.wait(lambda: "open this site" in (page.evaluate("document.body?.innerText") or "").lower(), "the question after a redirect")
        page.screenshot(PICTURES / "question.png")
        scene.untouched("a redirect")
        for server in (scene.near_origin, scene.far_origin):
            page = scene.browser.page()
            page.open(f"{server}/go?to={target}")
            expect(page.location(), target, "where the redirect of a typed address led")
            if "open this site" not in page.evaluate("document.body.innerText").lower():
                raise AssertionError(f"a redirect of the typed address {server} opened the site without a question")
            scene.untouched("a redirect of a typed address")
        page.evaluate("document.querySelector('form button, form input[type=submit], button, a.button').click()")
        page.wait(lambda: page.evaluate("document.title") == "unseen", "the site, after yes", 60)


CONTROL_ATTEMPTS = {
    "fetch": "fetch('{0}/api/v1/status').then(r => r.text())",
    "fetch with credentials": "fetch('{0}/api/v1/status', {{credentials: 'include'}}).then(r => r.text())",
    "fetch without CORS": "fetch('{0}/api/v1/status', {{mode: 'no-cors', credentials: 'include'}}).then(r => r.text())",
    "POST": "fetch('{0}/api/v1/sites', {{method: 'POST', mode: 'no-cors', credentials: 'include', body: '{{}}'}}).then(r => r.text())",
    "POST of a form": """new Promise(d => {{ document.body.insertAdjacentHTML('beforeend', '<iframe name=c></iframe><form method=POST target=c enctype="text/plain" action="{0}/api/v1/stop"><input name=a></form>');
        document.forms[document.forms.length - 1].submit(); setTimeout(() => d('sent'), 1500) }})""",
    "a WebSocket": "new Promise(d => {{ const s = new WebSocket('{0}/api/v1/status'.replace('http', 'ws')); s.onopen = s.onerror = e => d(e.type) }})",
    "a frame": """new Promise(d => {{ const f = document.createElement('iframe'); f.src = '{0}/'; document.body.append(f);
        setTimeout(() => {{ let t; try {{ t = f.contentDocument.documentElement.outerHTML }} catch (e) {{ t = String(e) }} d(t) }}, 1500) }})""",
}


@case("browser", "no page reaches the control API, even while the reader is signed in to the node's home page")
def control(lab):
    with Scene(lab) as scene:
        signed_in = scene.browser.page()
        signed_in.open(scene.reader.command("ui", "--print").stdout.strip().splitlines()[-1])
        scene.open_victim()
        secret = scene.reader.value("status")["peerID"]
        for name, page in scene.attackers():
            for host in ("roost.localhost", "localhost", "127.0.0.1"):
                base = f"http://{host}:{CONTROL}"
                for way, script in CONTROL_ATTEMPTS.items():
                    got = attempt(page, script.format(base))
                    refused(got, f"{name} by {way} to {host}", secret)
                    if got == "open":
                        raise AssertionError(f"{name} opened a WebSocket to {host}")
                good = [(r["url"], r["status"]) for r in page.responses(base + "/api") if r["status"] < 400]
                expect(good, [], f"answers of the control API to {name}")
        scene.reader.value("status")  # it was not stopped


@case("browser", "a host name that an attacker rebinds to this machine reaches neither content nor control")
def rebinding(lab):
    with Scene(lab, "--host-resolver-rules=MAP rebind.example 127.0.0.1") as scene:
        scene.open_victim()
        for port in (CONTENT, CONTROL):
            page = scene.browser.page()
            for path in ("/", "/index.html", "/api/v1/status", f"/{label(roost.site_id(scene.victim))}/", f"/{roost.site_id(scene.victim)}/"):
                url = f"http://rebind.example:{port}{path}"
                status = page.open(url)
                if not isinstance(status, int) or status < 400:
                    raise AssertionError(f"{url} was answered with {status}")
                refused(page.evaluate("document.documentElement.outerHTML"), url, SECRET)
        token = pathlib.Path(scene.reader.home, "control.token").read_text().strip()
        done = scene.reader.host.run(
            ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: rebind.example:8421", "-H", f"Authorization: Bearer {token}",
             f"http://127.0.0.1:{CONTROL}/api/v1/status"])
        if int(done.stdout) < 400:
            raise AssertionError(f"the token under a foreign Host was answered with {done.stdout}")


LEAVING = {
    "fetch": "fetch('{0}/leak-fetch', {{mode: 'no-cors'}}).then(() => 'out', String)",
    "a picture": "new Promise(d => {{ const i = new Image(); i.onload = i.onerror = e => d(e.type); i.src = '{0}/leak-picture' }})",
    "a script": "new Promise(d => {{ const s = document.createElement('script'); s.onload = s.onerror = e => d(e.type); s.src = '{0}/leak-script'; document.head.append(s) }})",
    "a style sheet": "new Promise(d => {{ const s = document.createElement('link'); s.rel = 'stylesheet'; s.onload = s.onerror = e => d(e.type); s.href = '{0}/leak-style'; document.head.append(s) }})",
    "an import in a style": "new Promise(d => {{ const s = document.createElement('style'); s.textContent = '@import \"{0}/leak-import\"; body {{ background: url({0}/leak-background) }}'; document.head.append(s); setTimeout(d, 1000) }})",
    "a font": "new FontFace('x', 'url({0}/leak-font)').load().then(() => 'out', String)",
    "a frame": "new Promise(d => {{ const f = document.createElement('iframe'); f.src = '{0}/leak-frame'; document.body.append(f); setTimeout(d, 1000) }})",
    "a film": "new Promise(d => {{ const v = document.createElement('video'); v.onerror = e => d(e.type); v.src = '{0}/leak-film'; setTimeout(d, 1500) }})",
    "a beacon": "new Promise(d => {{ navigator.sendBeacon('{0}/leak-beacon', 'x'); setTimeout(d, 800) }})",
    "an event stream": "new Promise(d => {{ const s = new EventSource('{0}/leak-events'); s.onerror = e => {{ s.close(); d(e.type) }} }})",
    "a WebSocket": "new Promise(d => {{ try {{ const s = new WebSocket('{0}/leak-socket'.replace('http', 'ws')); s.onopen = s.onerror = e => d(e.type) }} catch (e) {{ d(String(e)) }} }})",
    "a form": """new Promise(d => {{ document.body.insertAdjacentHTML('beforeend', '<form method=POST action="{0}/leak-form"><input name=a></form>');
        document.forms[document.forms.length - 1].submit(); setTimeout(d, 1000) }})""",
    "a prefetch": "new Promise(d => {{ const l = document.createElement('link'); l.rel = 'prefetch'; l.href = '{0}/leak-prefetch'; document.head.append(l); setTimeout(d, 1000) }})",
    "a worker's import": """new Promise(d => {{ const w = new Worker(URL.createObjectURL(new Blob(['fetch("{0}/leak-worker", {{mode: "no-cors"}}).then(() => postMessage(1), () => postMessage(0))'])));
        w.onmessage = w.onerror = () => d(); setTimeout(d, 1500) }})""",
    "a ping": "new Promise(d => {{ const a = document.createElement('a'); a.href = 'javascript:void 0'; a.ping = '{0}/leak-ping'; document.body.append(a); a.click(); setTimeout(d, 1000) }})",
    "a manifest": "new Promise(d => {{ const l = document.createElement('link'); l.rel = 'manifest'; l.href = '{0}/leak-manifest'; document.head.append(l); setTimeout(d, 800) }})",
}


@case("browser", "a site's page sends nothing beyond its own origin: the content policy holds in every way that loads or sends")
def leaving(lab):
    with Scene(lab) as scene:
        page = scene.open_victim()
        for place in (scene.near_origin, scene.far_origin, origin(scene.attacker)):
            for way, script in LEAVING.items():
                attempt(page, script.format(place))
                if leaks := [path for path in scene.hits() if "leak" in path]:
                    raise AssertionError(f"{way} left the site: {leaks[0]}")
            good = [r["url"] for r in page.responses(place) if r["status"] < 400]
            expect(good, [], f"answers from {place}")
        expect(page.location(), origin(scene.victim) + "/", "where the page still stands")
