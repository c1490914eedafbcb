// Relative times tick between two refreshes; the local time stands in the title.

const STEPS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
const EVERY = 5000;
const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

function say(seconds) {
  const whole = Math.floor(Math.abs(seconds));
  const step = STEPS.find(([size]) => whole >= size);
  if (!step) return "now";
  const words = `${Math.floor(whole / step[0])} ${step[1]}`;
  return seconds > 0 ? `${words} ago` : `in ${words}`;
}

// Ages are counted by the database's clock: the page says what it was when it was made.
function serverNow() {
  const made = Date.parse(document.body.dataset.now || "");
  return Number.isNaN(made) ? null : made + (performance.now() - madeAt);
}

let madeAt = performance.now();

function tick() {
  const now = serverNow();
  if (now === null || document.hidden) return;
  for (const ago of document.querySelectorAll("[data-ago]")) {
    const words = say((now - Date.parse(ago.dataset.ago)) / 1000);
    if (ago.textContent !== words) ago.textContent = words;
  }
}

function showLocal(event) {
  const time = event.target.closest?.("time[datetime]");
  if (!time || time.dataset.local) return;
  time.dataset.local = "1";
  const moment = new Date(time.dateTime);
  if (!Number.isNaN(moment.getTime())) time.title = `${local.format(moment)} (your time)\n${time.title}`.trim();
}

export function startTimes() {
  document.addEventListener("pointerover", showLocal);
  document.addEventListener("focusin", showLocal);
  setInterval(tick, EVERY);
  document.addEventListener("visibilitychange", tick);
  return (now) => {
    document.body.dataset.now = now;
    madeAt = performance.now();
    tick();
  };
}
