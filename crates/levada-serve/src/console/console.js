// Fetches the page again every ten seconds and shows its main part; a button pauses that.
"use strict";

const PAUSE_MS = 10000;
const TIMEOUT_MS = 8000;
const button = document.getElementById("pause");
const notice = document.getElementById("refresh");
let isPaused = false;
let isBusy = false;

function say(text) {
  // Said again, it would be read aloud again.
  if (notice.textContent !== text) notice.textContent = text;
}

function clock() {
  return new Date().toTimeString().slice(0, 8);
}

function show(page) {
  const [old, fresh] = [document.querySelector("main"), page.querySelector("main")];
  if (!fresh) throw new Error("no page");
  for (const known of old.querySelectorAll("details[id]")) {
    const same = fresh.querySelector("#" + CSS.escape(known.id));
    if (same) same.open = known.open;
  }
  const path = pathOf(document.activeElement, old);
  const scrolled = [...old.querySelectorAll(".wide")].map((wide) => wide.scrollLeft);
  old.replaceWith(document.adoptNode(fresh));
  [...fresh.querySelectorAll(".wide")].forEach((wide, index) => {
    wide.scrollLeft = scrolled[index] || 0;
  });
  if (path) refocus(fresh, path);
  document.title = page.title;
}

// Where the focus is: the nearest details, and which of its parts. Null when it is elsewhere.
function pathOf(element, main) {
  if (!main.contains(element)) return null;
  if (element === main) return { home: null, index: -1 };
  const home = element.closest("details[id]");
  return { home: home && home.id, index: stops(home || main).indexOf(element) };
}

function stops(part) {
  return [...part.querySelectorAll("summary, a[href], button, [tabindex]")];
}

function refocus(main, { home, index }) {
  const part = home ? main.querySelector("#" + CSS.escape(home)) : main;
  const element = part && (index < 0 ? part : stops(part)[index]);
  (element || main).focus({ preventScroll: true });
}

async function refresh() {
  // Who marks text wants to copy it.
  if (isPaused || isBusy || document.hidden || String(getSelection())) return;
  isBusy = true;
  try {
    const reply = await fetch(new URL(location.pathname, location.origin), {
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!reply.ok) throw new Error(String(reply.status));
    const page = new DOMParser().parseFromString(await reply.text(), "text/html");
    if (isPaused) return;
    show(page);
    document.documentElement.dataset.refreshed = String(
      Number(document.documentElement.dataset.refreshed || 0) + 1,
    );
    say("");
  } catch {
    const since = notice.dataset.since || clock();
    notice.dataset.since = since;
    say(`levada serve does not answer this page since ${since}: figures are from before.`);
    return;
  } finally {
    isBusy = false;
  }
  delete notice.dataset.since;
}

button.hidden = false;
button.addEventListener("click", () => {
  isPaused = !isPaused;
  button.textContent = isPaused ? "Resume updates" : "Pause updates";
  say(isPaused ? `Paused at ${clock()}.` : "");
  if (!isPaused) refresh();
});
document.addEventListener("visibilitychange", refresh);
setInterval(refresh, PAUSE_MS);
