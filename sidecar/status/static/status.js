// Keeps the page up to date: when the server says that something has changed, the page is asked for again, and the parts
// marked data-live take the place of the old ones. Without it all works, but stands still.
"use strict";

const state = document.getElementById("live-state");
let wanted = false;
let busy = false;

function say(word, kind) {
  if (state.textContent !== word) state.textContent = word;
  state.className = `live ${kind}`;
}

// Whoever has the focus, selects text or has opened something there keeps it.
function swap(old, fresh) {
  if (old.outerHTML === fresh.outerHTML) return;
  const selection = document.getSelection();
  if (selection && !selection.isCollapsed && old.contains(selection.anchorNode)) return;
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  for (const open of old.querySelectorAll("details[open][id]")) {
    const same = fresh.querySelector(`#${CSS.escape(open.id)}`);
    if (same) same.open = true;
  }
  old.replaceWith(fresh);
  const again = focused && document.getElementById(focused);
  if (again) again.focus({ preventScroll: true });
}

async function refresh() {
  wanted = true;
  if (busy || document.hidden) return;
  busy = true;
  try {
    while (wanted) {
      wanted = false;
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
      if (answer.redirected || answer.status === 401) return location.reload();
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const old of document.querySelectorAll("[data-live]")) {
        const fresh = page.getElementById(old.id);
        if (fresh) swap(old, document.adoptNode(fresh));
      }
      document.title = page.title;
    }
  } catch {
    say("not live", "off");
  } finally {
    busy = false;
  }
}

if (document.querySelector("[data-live]")) {
  const source = new EventSource("/live");
  source.onopen = () => say("live", "on");
  source.onerror = () => say("not live", "off");
  source.onmessage = refresh;
  document.addEventListener("visibilitychange", () => wanted && refresh());
}

// What was done is said once, not again on the next load.
if (document.querySelector("[data-done]")) {
  const bare = new URL(location.href);
  bare.searchParams.delete("done");
  history.replaceState(null, "", bare);
}
