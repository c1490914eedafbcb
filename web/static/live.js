// Keeps a page current. The server's stream only hints that something happened; the page's own address is then read
// again, and the regions that differ are put in place, without moving focus, scroll or what is unfolded.

const DEBOUNCE = 250;
const FASTEST = 1000;
const POLL = 5000;
const SILENCE = 40000; // The server's heartbeat comes every 15 s.
const RETRY_STREAM = 30000;
const LONGEST_RETRY = 30000;

const jitter = (milliseconds) => milliseconds * (0.75 + Math.random() / 2);

/** What to find again after a swap: the element's id, else its place among those with the same address and text. */
function describeFocus(region) {
  const focused = document.activeElement;
  if (!focused || !region.contains(focused)) return null;
  const selector = focused.id ? `#${CSS.escape(focused.id)}` : focused.tagName.toLowerCase();
  const key = (one) => one.id || `${one.getAttribute("href") || one.name || ""} ${one.textContent}`;
  const wanted = key(focused);
  const twins = [...region.querySelectorAll(selector)].filter((one) => key(one) === wanted);
  return { selector, key, wanted, index: twins.indexOf(focused) };
}

function restoreFocus(region, was) {
  const twins = [...region.querySelectorAll(was.selector)].filter((one) => was.key(one) === was.wanted);
  const found = twins[was.index] || twins[0];
  if (found) found.focus({ preventScroll: true });
  else region.closest("main")?.focus({ preventScroll: true });
}

/** Whether somebody has begun to fill in a form: what it was decided on must stay with it. */
function isBegun(form) {
  const differs = (one) =>
    one.tagName === "SELECT" ? one.selectedIndex > 0 && !one.options[one.selectedIndex].defaultSelected : one.value !== one.defaultValue;
  return [...form.elements].some((one) => one.type !== "hidden" && differs(one));
}

function isBusy(region) {
  const focused = document.activeElement;
  if (focused && region.contains(focused) && /^(INPUT|TEXTAREA|SELECT)$/.test(focused.tagName)) return true;
  if ([...region.querySelectorAll("form")].some(isBegun)) return true;
  const selection = document.getSelection();
  return Boolean(selection && !selection.isCollapsed && selection.anchorNode && region.contains(selection.anchorNode));
}

export function swap(region, fresh) {
  // The title of a time changes when it is looked at: what came from the server is compared, not what stands here.
  const html = essence(fresh);
  if (served.get(region) === html) return false;
  if (isBusy(region)) return false;
  const focus = describeFocus(region);
  const unfolded = new Set([...region.querySelectorAll("details[open][data-fold]")].map((one) => one.dataset.fold));
  const folded = new Set([...region.querySelectorAll("details:not([open])[data-fold]")].map((one) => one.dataset.fold));
  const scrolled = new Map([...region.querySelectorAll("[data-scroll]")].map((one) => [one.dataset.scroll, [one.scrollLeft, one.scrollTop]]));
  served.set(region, html);
  region.replaceChildren(...fresh.childNodes);
  for (const attribute of fresh.attributes) if (attribute.name === "class") region.className = attribute.value;
  for (const one of region.querySelectorAll("details[data-fold]")) {
    if (unfolded.has(one.dataset.fold)) one.open = true;
    else if (folded.has(one.dataset.fold)) one.open = false;
  }
  for (const one of region.querySelectorAll("[data-scroll]")) {
    const at = scrolled.get(one.dataset.scroll);
    if (at) [one.scrollLeft, one.scrollTop] = at;
  }
  if (focus) restoreFocus(region, focus);
  return true;
}

/** What of a region counts as a change: not its ages, which tick by themselves. */
function essence(region) {
  return region.innerHTML.replace(/(data-ago="[^"]*">)[^<]*/g, "$1").replace(/(name="key" value=")[^"]*/g, "$1");
}

const served = new WeakMap();

class Badge {
  constructor() {
    this.element = document.getElementById("fresh");
    this.text = this.element?.querySelector("[data-fresh]");
    this.since = null;
  }

  show(kind, words) {
    if (!this.text || this.text.textContent === words) return;
    this.text.textContent = words;
    this.text.className = `word ${kind}`;
  }

  live(how) {
    this.since = null;
    document.documentElement.classList.remove("stale");
    this.show(how === "live" ? "good" : "warn", how === "live" ? "Live" : `Live, asked every ${POLL / 1000} s`);
  }

  paused() {
    this.show("expected", "Paused while hidden");
  }

  stale(why) {
    this.since ||= this.read || new Date();
    document.documentElement.classList.add("stale");
    const when = this.since.toISOString().slice(11, 19);
    this.show("unknown", `Stale since ${when} UTC: ${why}`);
  }
}

class Live {
  constructor(refreshTimes) {
    this.refreshTimes = refreshTimes;
    this.badge = new Badge();
    this.badge.read = new Date();
    this.url = document.body.dataset.live;
    this.etag = document.body.dataset.etag || null;
    this.source = null;
    this.isOpening = false; // That the server answers says nothing about the ledger: its first word does.
    this.lastWord = 0;
    this.took = 0;
    this.lastRead = 0;
    this.failures = 0;
    this.reading = false;
    this.pending = null;
    this.again = false;
  }

  start() {
    for (const region of document.querySelectorAll("[data-region]")) served.set(region, essence(region));
    document.addEventListener("visibilitychange", () => this.onVisibility());
    addEventListener("pagehide", () => this.disconnect());
    addEventListener("pageshow", (event) => event.persisted && this.connect());
    addEventListener("online", () => this.hint(0));
    setInterval(() => this.watch(), FASTEST);
    this.connect();
  }

  connect() {
    this.disconnect();
    this.lastWord = performance.now();
    this.source = new EventSource(this.url);
    this.isOpening = true;
    for (const kind of ["change", "heartbeat"]) this.source.addEventListener(kind, (event) => this.hear(event));
    this.source.onerror = () => this.lost();
  }

  hear(event) {
    this.lastWord = performance.now();
    const hint = JSON.parse(event.data);
    if (!hint.as_of || hint.stale_since) this.badge.stale("the ledger does not answer");
    else if (document.querySelector("[data-error]")) this.hint(0);
    else if (this.isOpening) this.badge.live("live");
    this.isOpening = false;
    const subject = document.body.dataset.subject;
    const isOurs = !subject || !hint.sandbox_ids.length || hint.sandbox_ids.includes(subject);
    if (event.type === "change" && isOurs) this.hint(DEBOUNCE);
  }

  disconnect() {
    this.source?.close();
    this.source = null;
  }

  /** Without a stream the page asks by itself; the stream is tried again later, not by all pages at once. */
  lost() {
    this.disconnect();
    clearTimeout(this.reconnecting);
    const wait = jitter(Math.min(LONGEST_RETRY, 1000 * 2 ** Math.min(this.failures++, 5)));
    this.reconnecting = setTimeout(() => !document.hidden && this.connect(), wait);
    this.hint(DEBOUNCE);
  }

  watch() {
    if (document.hidden) return;
    const silent = performance.now() - this.lastWord;
    if (this.source && silent > SILENCE) this.lost();
    if (this.source?.readyState !== EventSource.OPEN && performance.now() - this.lastRead > POLL) this.hint(0);
  }

  onVisibility() {
    if (document.hidden) {
      this.disconnect();
      clearTimeout(this.reconnecting);
      this.badge.paused();
    } else {
      this.connect();
      this.hint(0);
    }
  }

  /** Read soon: at once for the first hint, then never more often than the server can bear. */
  hint(delay) {
    if (document.hidden) return;
    if (this.reading) {
      this.again = true;
      return;
    }
    if (this.pending) return;
    const rest = Math.max(FASTEST, 4 * this.took) - (performance.now() - this.lastRead);
    this.pending = setTimeout(() => this.read(), Math.max(delay, rest));
  }

  async read() {
    this.pending = null;
    this.reading = true;
    const began = performance.now();
    try {
      const headers = { "X-Requested-With": "live" };
      if (this.etag) headers["If-None-Match"] = this.etag;
      const answer = await fetch(location.href, { headers, cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(15000) });
      if (answer.type === "opaqueredirect") location.reload(); // The session has ended: the login form is next.
      else if (answer.ok && document.querySelector("[data-error]")) location.reload(); // The ledger answers again.
      else if (answer.ok || answer.status === 304) await this.take(answer);
      else this.badge.stale(answer.status >= 500 ? "the ledger does not answer" : `the server says ${answer.status}`);
    } catch {
      this.badge.stale("the server does not answer");
    }
    this.took = performance.now() - began;
    this.lastRead = performance.now();
    this.reading = false;
    if (this.again) {
      this.again = false;
      this.hint(DEBOUNCE);
    }
  }

  async take(answer) {
    if (answer.status !== 304) {
      this.etag = answer.headers.get("ETag");
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      this.put(page);
      if (page.body.dataset.now) this.refreshTimes(page.body.dataset.now);
    }
    this.failures = this.source ? 0 : this.failures;
    this.badge.read = new Date();
    this.badge.live(this.source?.readyState === EventSource.OPEN ? "live" : "polling");
  }

  put(page) {
    for (const region of document.querySelectorAll("[data-region]")) {
      const fresh = page.querySelector(`[data-region="${CSS.escape(region.dataset.region)}"]`);
      if (fresh && swap(region, fresh)) {
        region.classList.remove("changed");
        requestAnimationFrame(() => region.classList.add("changed"));
      }
    }
    if (page.title) document.title = page.title;
  }
}

export function startLive(refreshTimes) {
  if (!document.body.dataset.live || !("EventSource" in window)) return;
  new Live(refreshTimes).start();
}
