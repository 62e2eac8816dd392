// SPDX-License-Identifier: Apache-2.0
// The node's home page. Everything that comes from outside enters the page as text, never as markup.
"use strict";

const byId = (id) => document.getElementById(id);
let csrf = "";
let serveAsked = false;

// MARK: calls

class CallError extends Error {
  constructor(error) {
    super(error.message + ". " + error.remedy);
    this.kind = error.kind;
  }
}

const lost = { kind: "unavailable", message: "The node does not answer", remedy: "Start it with roost start." };

async function request(path, body, signal) {
  const options = { headers: { "X-Roost-CSRF": csrf }, cache: "no-store", signal };
  if (body !== undefined) {
    options.method = "POST";
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch("/api/v1/" + path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new CallError(lost);
  }
  if (!answer.ok) throw new CallError((await answer.json()).error);
  return answer;
}

const call = async (path, body) => (await request(path, body)).json();

// Reads lines of JSON; the last one has the result.
async function stream(path, body, signal, report) {
  const answer = await request(path, body, signal);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new CallError(lost);
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const text of lines) {
      const line = JSON.parse(text);
      if (line.progress) report(line.progress);
      if (line.result) return line.result;
      if (line.error) throw new CallError(line.error);
    }
  }
}

// MARK: text

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function note(id, text, isBad) {
  byId(id).textContent = text;
  byId(id).classList.toggle("bad", Boolean(isBad));
}

function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let step = 0;
  while (count >= 1000 && step < units.length - 1) { count /= 1000; step += 1; }
  return (step && count < 100 ? count.toFixed(1) : Math.round(count)) + " " + units[step];
}

const plural = (count, one, many) => count.toLocaleString() + " " + (count === 1 ? one : many);

function duration(seconds) {
  if (seconds < 90) return plural(Math.round(seconds), "second", "seconds");
  if (seconds < 5400) return plural(Math.round(seconds / 60), "minute", "minutes");
  if (seconds < 129600) return plural(Math.round(seconds / 3600), "hour", "hours");
  return plural(Math.round(seconds / 86400), "day", "days");
}

// A list that changes only where its content did, so that the focus stays where it is.
function fill(id, items, key, make) {
  const list = byId(id);
  const text = JSON.stringify(items.map(key));
  if (list.dataset.shown === text) return;
  list.dataset.shown = text;
  list.replaceChildren(...items.map(make));
}

// MARK: sites

function isGatewayAddress(text) {
  try {
    const url = new URL(text);
    return url.protocol === "http:" && url.hostname.endsWith(".localhost") && url.hostname !== location.hostname;
  } catch {
    return false;
  }
}

// What is proved of a site: whose history it is, which release of it, and how many hold it.
function badge(site) {
  if (!site.seq) return element("span", "nothing of it was found yet", "badge");
  const words = [site.key ? "verified key" : "verified content"];
  if (site.label) words.push("version " + site.label);
  words.push("seq " + site.seq, plural(site.replicas, "peer", "peers"));
  return element("span", words.join(", "), site.warnings.length ? "badge doubtful" : "badge proved");
}

function siteItem(site) {
  const item = element("li");
  const title = element(isGatewayAddress(site.gateway) ? "a" : "span", site.title || "Untitled site", "title");
  if (title.tagName === "A") title.href = site.gateway;
  const facts = [];
  if (site.files || site.own) {
    facts.push(plural(site.files, "file", "files"));
    facts.push(site.stored < site.bytes ? bytes(site.stored) + " of " + bytes(site.bytes) + " here" : bytes(site.bytes));
    facts.push(site.replicas ? "also kept by " + site.replicas : site.stored > 0 ? "kept only here" : "nobody else seen with it");
  }
  if (site.pinned) facts.push("pinned");
  if (site.withdrawn) facts.push("withdrawn");
  item.append(title, badge(site), element("span", facts.join(" · "), "facts"), element("span", site.site, "id"));
  for (const warning of site.warnings) item.append(element("span", warning, "warning"));
  const actions = element("div", undefined, "actions");
  if (!site.own) {
    actions.append(siteAction(site, site.pinned ? "Unpin" : "Pin", site.pinned ? { unpin: {} } : { pin: {} }));
    actions.append(siteAction(site, "Remove", { remove: {} }, "Remove it from this computer?"));
  }
  actions.append(copyAction(site));
  item.append(actions);
  return item;
}

function siteAction(site, label, change, question) {
  const button = element("button", label, "plain");
  button.type = "button";
  button.setAttribute("aria-label", label + " " + (site.title || site.site));
  button.addEventListener("click", async () => {
    if (question && !confirm(question)) return;
    button.disabled = true;
    try {
      await call("site/change", { address: site.site, change });
      await refresh();
    } catch (error) {
      note("open-note", error.message, true);
      button.disabled = false;
    }
  });
  return button;
}

function copyAction(site) {
  const button = element("button", "Copy address", "plain");
  button.type = "button";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(site.site);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy address"; }, 1500);
  });
  return button;
}

function showSites(sites) {
  const own = sites.filter((site) => site.own);
  const kept = sites.filter((site) => !site.own);
  fill("own", own, (site) => site, siteItem);
  fill("kept", kept, (site) => site, siteItem);
  byId("own-empty").hidden = own.length > 0;
  byId("kept-empty").hidden = kept.length > 0;
}

// MARK: node

function showStatus(status) {
  const nodes = status.networks.reduce((sum, network) => sum + network.dhtNodes, 0);
  const connected = nodes > 0 || status.torrents.some((torrent) => torrent.peers > 0);
  byId("summary").className = connected ? "good" : "bad";
  byId("summary").textContent = connected
    ? "Connected, " + plural(nodes, "node", "nodes") + " known"
    : "Running, but nobody has been reached yet";
  byId("exposed").textContent = status.exposed;
  const serve = { own: "only my own sites", "while-open": "what I read, while I read it", quota: "what I have read, within a quota" };
  const sum = (key) => status.torrents.reduce((total, torrent) => total + torrent[key], 0);
  const facts = [
    ["Given back", serve[status.serve] || status.serve],
    ["Received", bytes(sum("down"))],
    ["Sent", bytes(sum("up"))],
    ["Listens on", status.listen.join(", ") || "nothing"],
    ["Running for", duration(status.uptime)],
    ["Memory", bytes(status.memory)],
    ["Version", status.version],
  ];
  byId("facts").replaceChildren(...facts.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

function showPeers(peers) {
  byId("peer-count").textContent = peers.length ? peers.length.toLocaleString() : "";
  byId("peers-empty").hidden = peers.length > 0;
  fill("peers", peers.slice(0, 20), (peer) => peer, (peer) => {
    const item = element("li", peer.address);
    const facts = [peer.client || "unknown client", "↓ " + bytes(peer.down), "↑ " + bytes(peer.up)];
    item.append(element("span", facts.join(" · ")));
    return item;
  });
}

async function refresh() {
  const [status, sites, peers] = await Promise.all([call("status"), call("sites"), call("peers")]);
  showStatus(status);
  showSites(sites);
  showPeers(peers);
  if (!serveAsked) {
    serveAsked = true;
    const entries = await call("config");
    const serve = entries.find((entry) => entry.key === "serve");
    if (serve && serve.source === "default") askServe(serve.value);
  }
}

async function watch() {
  for (;;) {
    if (!document.hidden) {
      try {
        await refresh();
      } catch (error) {
        if (error.kind === "notPermitted") return lock();
        byId("summary").className = "bad";
        byId("summary").textContent = error.message;
      }
    }
    await new Promise((resume) => setTimeout(resume, 3000));
  }
}

// MARK: forms

function askServe(value) {
  for (const choice of document.getElementsByName("serve")) choice.checked = choice.value === value;
  byId("quota-line").hidden = value !== "quota";
  byId("first-use").hidden = false;
}

byId("first-use").addEventListener("change", () => {
  byId("quota-line").hidden = document.querySelector("[name=serve]:checked").value !== "quota";
});

byId("first-use").addEventListener("submit", async (event) => {
  event.preventDefault();
  const serve = document.querySelector("[name=serve]:checked").value;
  try {
    if (serve === "quota") {
      const value = String(Math.round(Number(byId("quota").value) * 1e9));
      await call("config/set", { key: "quota", value });
    }
    await call("config/set", { key: "serve", value: serve });
    byId("first-use").hidden = true;
    note("first-use-note", "");
    byId("link").focus();
    await refresh();
  } catch (error) {
    note("first-use-note", error.message, true);
  }
});

byId("change-serve").addEventListener("click", async () => {
  const entries = await call("config");
  askServe((entries.find((entry) => entry.key === "serve") || { value: "while-open" }).value);
  byId("first-use").scrollIntoView({ block: "center" });
  document.querySelector("[name=serve]:checked").focus();
});

byId("open").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.target.querySelector("button");
  button.disabled = true;
  note("open-note", "Looking for it…");
  try {
    const found = await call("open", { value: byId("link").value.trim() });
    if (!isGatewayAddress(found.url)) throw new Error("The node gave an address that is no site.");
    location.assign(found.url);
  } catch (error) {
    note("open-note", error.message, true);
  }
  button.disabled = false;
});

byId("publish").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.target.querySelector("button");
  const stop = new AbortController();
  byId("publish-stop").onclick = () => stop.abort();
  button.disabled = true;
  note("publish-note", "");
  byId("publish-bar").removeAttribute("value");
  byId("publish-stage").textContent = "Starting";
  byId("publish-progress").hidden = false;
  try {
    const wanted = { directory: byId("folder").value.trim(), new: byId("as-new").checked };
    const done = await stream("publish", wanted, stop.signal, (progress) => {
      if (progress.total) byId("publish-bar").value = progress.done / progress.total;
      const amount = progress.unit === "bytes" ? bytes(progress.done) : plural(progress.done, "file", "files");
      byId("publish-stage").textContent = progress.stage + ", " + amount;
    });
    const skipped = done.skipped.length ? ", " + done.skipped.length + " left out: " + done.skipped.slice(0, 3).map((one) => one.path + " (" + one.why + ")").join(", ") : "";
    note("publish-note", "Published release " + done.seq + ": " + plural(done.files, "file", "files") + ", " + bytes(done.bytes) + skipped);
    await refresh();
  } catch (error) {
    note("publish-note", error.name === "AbortError" ? "Stopped. Nothing was published." : error.message, true);
  }
  byId("publish-progress").hidden = true;
  button.disabled = false;
});

byId("check").addEventListener("click", async () => {
  byId("check").disabled = true;
  note("health-note", "Checking…");
  try {
    const report = await stream("doctor", { repair: false }, undefined, (progress) => {
      note("health-note", progress.stage);
    });
    note("health-note", report.healthy ? "All is well." : "Something needs attention.", !report.healthy);
    byId("findings").replaceChildren(...report.findings.map((finding) => {
      const state = ["ok", "problem", "repaired"].includes(finding.state) ? finding.state : "problem";
      return element("li", finding.what + (finding.remedy ? " " + finding.remedy : ""), state);
    }));
  } catch (error) {
    note("health-note", error.message, true);
  }
  byId("check").disabled = false;
});

// MARK: start

function lock() {
  byId("summary").className = "";
  byId("summary").textContent = "Not signed in";
  byId("home").hidden = true;
  byId("locked").hidden = false;
}

async function start() {
  const code = location.hash.slice(1);
  // The code is of no more use, and should not stay in the history.
  if (code) history.replaceState(null, "", "/");
  try {
    csrf = (await call("session", /^[0-9a-f]{32}$/.test(code) ? { code } : {})).csrf;
  } catch (error) {
    if (error.kind === "notPermitted" && code) {
      // A second click on an old link: an open session goes on.
      try { csrf = (await call("session", {})).csrf; } catch { return lock(); }
    } else {
      return lock();
    }
  }
  byId("home").hidden = false;
  byId("link").focus();
  watch();
}

start();
