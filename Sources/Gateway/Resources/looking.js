// SPDX-License-Identifier: Apache-2.0
(() => {
  "use strict";
  const show = (id, text) => { document.getElementById(id).textContent = text; };
  let done = false;
  const watch = async () => {
    while (!done) {
      try {
        const now = await (await fetch("/.roost/activity", { cache: "no-store" })).json();
        if (done) return;
        show("stage", now.stage);
        show("known", now.peersKnown);
        show("connected", now.peersConnected);
        show("received", now.bytesReceived.toLocaleString());
        document.getElementById("impostors").hidden = now.impostors === 0;
      } catch { /* The node may be restarting; the next round tells. */ }
      await new Promise((resume) => setTimeout(resume, 1000));
    }
  };
  const wait = async () => {
    const path = encodeURIComponent(location.pathname);
    let answer;
    try {
      answer = await fetch("/.roost/wait?" + path, { cache: "no-store" });
    } catch {
      await new Promise((resume) => setTimeout(resume, 3000));
      return wait();
    }
    done = true;
    if (answer.status !== 504) return location.reload();
    document.querySelector("h1").textContent = document.title = "Nobody answered in time";
    show("stage", "For a minute nobody was found who has this. Reload the page to try again.");
  };
  watch();
  wait();
})();
