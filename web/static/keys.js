// Keys: `/` search, `g` and a letter goes to a page, `j` and `k` walk the rows, `?` shows them all.

const STORE = "sandbox-ledger:keys";
const SECOND = 1500;
let waitingSince = -Infinity;

function isTyping(target) {
  // Not a checkbox: letters mean nothing to it, and a closed dialog's keeps the focus until the next frame.
  return target.isContentEditable || target.matches?.("input:not([type=checkbox]), textarea, select");
}

function walk(step) {
  const rows = [...document.querySelectorAll("main tbody tr")].map((row) => row.querySelector("a[href]")).filter(Boolean);
  if (!rows.length) return;
  const row = document.activeElement?.closest("tr");
  const at = rows.findIndex((link) => link.closest("tr") === row);
  const next = at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + step, 0), rows.length - 1);
  rows[next].focus();
  rows[next].scrollIntoView({ block: "nearest" });
}

function isOn() {
  try {
    return localStorage.getItem(STORE) !== "off";
  } catch {
    return true;
  }
}

function press(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !isOn()) return;
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
  const waited = performance.now() - waitingSince < SECOND;
  waitingSince = -Infinity;
  if (waited) {
    const link = document.querySelector(`.nav a[data-key="${CSS.escape(event.key)}"]`);
    if (link) {
      event.preventDefault();
      link.click();
    }
    return;
  }
  const actions = {
    "/": () => document.getElementById("search")?.select(),
    "?": () => document.getElementById("keys")?.showModal(),
    g: () => { waitingSince = performance.now(); },
    j: () => walk(1),
    k: () => walk(-1),
    n: () => document.querySelector("a[rel=next]")?.click(),
    p: () => document.querySelector("a[rel=prev]")?.click(),
  };
  if (Object.hasOwn(actions, event.key)) {
    event.preventDefault();
    actions[event.key]();
  }
}

export function startKeys() {
  document.addEventListener("keydown", press);
  const dialog = document.getElementById("keys");
  const box = document.getElementById("keys-on");
  document.getElementById("keys-open")?.addEventListener("click", () => dialog?.showModal());
  if (!box) return;
  box.checked = isOn();
  box.addEventListener("change", () => {
    try {
      localStorage.setItem(STORE, box.checked ? "on" : "off");
    } catch {
      box.checked = true; // Nowhere to remember it.
    }
  });
}
