// The operator's page: a key typed in and held in this page's memory alone, then how the service stands, and the purge.

import { call, Trouble } from "../api.js";
import { button, h, line, show } from "../dom.js";
import { choose, learn, now, t, tongues } from "../words.js";
import { board } from "./board.js";
import { purge } from "./purge.js";
import en from "./words-en.js";
import id from "./words-id.js";

const EVERY = 5000; // milliseconds between two looks
const IDLE = 15 * 60000; // milliseconds without a touch, after which the key is forgotten

learn({ en, id });
let key = "", leave = new AbortController(), again = () => {}, idle = 0;

// Ask for the key; nothing of it is stored, and a reload asks again.
function door(words = "") {
  leave.abort();
  key = "";
  again = () => door(words);
  line(null);
  const field = h("input", { type: "password", id: "key", autocomplete: "off", autocapitalize: "off", spellcheck: "false", required: true, "aria-describedby": "key-text" });
  const trouble = h("p", { class: "missing", role: "alert" }, words);
  const form = h("form", { class: "row" }, field, button(t("op.open"), () => {}, { kind: "main", id: "open" }));
  form.querySelector("button").type = "submit";
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const given = field.value.trim();
    field.value = "";
    try {
      const figures = await call("/v1/admin/figures", { key: given });
      key = given;
      desk(figures);
    } catch (error) {
      trouble.textContent = told(error);
      field.focus();
    }
  });
  show(t("op.title"), h("section", { class: "sheet narrow" }, h("h1", {}, t("op.title")), h("label", { for: "key", class: "lead" }, t("op.key")), form, trouble, h("p", { class: "hint", id: "key-text" }, t("op.key.text"))));
}

// The desk: figures that come again every few seconds, and the purge, which is left as it stands.
function desk(figures) {
  leave = new AbortController();
  const { signal } = leave, standing = h("div", { class: "standing" }), at = h("p", { class: "hint", id: "fresh" });
  const close = button(t("op.close"), () => door(), { kind: "second", picture: "lock" });
  const tools = purge({ ask: (body) => call("/v1/admin/purges", { key, method: "POST", body }), told, done: () => look() });
  again = () => { leave.abort(); desk(figures); };
  show(t("op.title"), h("div", { class: "title" }, h("h1", {}, t("op.title")), at, close), standing, tools);
  const draw = (found, holds) => { figures = found; standing.replaceChildren(...board(found, holds)); at.textContent = t("op.fresh", { time: clock() }); line(null); };
  async function look() {
    try {
      const [found, holds] = await Promise.all([call("/v1/admin/figures", { key, signal }), held ?? call("/v1/admin/holds", { key, signal })]);
      held = holds;
      if (!signal.aborted) draw(found, holds);
    } catch (error) {
      if (signal.aborted || error.name === "AbortError") return;
      if (error instanceof Trouble && [401, 403].includes(error.status)) door(told(error));
      else line(told(error));
    }
  }
  let held = null; // asked for once: each look at holds is written into the audit
  draw(figures, []);
  look();
  const timer = setInterval(() => { if (!document.hidden) look(); }, EVERY);
  signal.addEventListener("abort", () => clearInterval(timer));
}

const clock = () => new Intl.DateTimeFormat(now(), { timeStyle: "medium" }).format(new Date());

function told(error) {
  if (!(error instanceof Trouble)) throw error;
  const known = t(`op.error.${error.code}`);
  return known === `op.error.${error.code}` ? `${error.detail ?? t("op.error")} ${error.remedy ?? ""}`.trim() : known;
}

function frame() {
  document.documentElement.lang = now();
  const pick = h("select", { "aria-label": t("tongue.pick"), class: "tongue", onchange: (event) => { choose(event.target.value); frame(); again(); } },
    tongues().map(([name, words]) => h("option", { value: name, selected: name === now(), lang: name }, words)));
  document.getElementById("tongues").replaceChildren(pick);
  document.getElementById("foot").replaceChildren(h("p", {}, t("foot.line")));
}

function touched() {
  clearTimeout(idle);
  idle = setTimeout(() => { if (key) door(t("op.idle")); }, IDLE);
}

for (const event of ["pointerdown", "keydown"]) addEventListener(event, touched);
addEventListener("pagehide", () => { key = ""; });
addEventListener("pageshow", (event) => { if (event.persisted) door(); });
frame();
door();
