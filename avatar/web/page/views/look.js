// Styles, the word for the person, how many pictures: then the order is made, and its key goes into the address.

import { call } from "../api.js";
import { button, h, icon, say, show } from "../dom.js";
import { maybe, number, t } from "../words.js";
import { steps } from "./steps.js";

const WORDS = ["person", "woman", "man"];
const COUNTS = [4, 8, 12, 24];

export const titled = (style) => maybe(`style.${style.name}`, style.title);

export function look(app) {
  const { draft } = app;
  const tally = h("p", { class: "tally", role: "status" });
  const count = () => { tally.textContent = draft.styles.size ? t("look.chosen", { n: draft.styles.size }) : t("look.none"); };
  const go = button(t("look.go"), () => order(app, go), { kind: "main" });
  const pick = (name, on) => { if (on) draft.styles.add(name); else draft.styles.delete(name); count(); };
  show(t("look.title"), steps("style"),
    h("div", { class: "head" }, h("h1", {}, t("look.title")), h("p", { class: "lead" }, t("look.lead"))),
    h("fieldset", { class: "plainly" }, h("legend", { class: "unseen" }, t("look.styles")), h("div", { class: "shelf" }, app.styles.map((style) => card(style, draft, pick)))),
    h("div", { class: "pair" },
      choice(t("look.word"), t("look.word.text"), "word", WORDS, draft.word, (value) => t(`word.${value}`), (value) => { draft.word = value; }),
      choice(t("look.count"), null, "count", COUNTS, draft.count, number, (value) => { draft.count = Number(value); })),
    h("div", { class: "bar" }, button(t("back"), () => app.go("welcome"), { kind: "quiet" }), tally, go));
  count();
}

function card(style, draft, pick) {
  const box = h("input", { type: "checkbox", class: "unseen", checked: draft.styles.has(style.name), value: style.name, onchange: (event) => pick(style.name, event.target.checked) });
  const picture = style.preview
    ? h("img", { src: `/page/previews/${style.name}.webp`, alt: "", width: 192, height: 192, loading: "lazy", decoding: "async" })
    : h("span", { class: "nopreview", "aria-hidden": "true" }, h("span", {}, titled(style).slice(0, 1)), h("small", {}, t("look.nopreview")));
  return h("label", { class: "style", title: style.summary }, box, h("span", { class: "frame" }, picture, h("span", { class: "chosen", "aria-hidden": "true" }, icon("check"))), h("span", { class: "name" }, titled(style)));
}

function choice(title, text, name, values, now, words, pick) {
  return h("fieldset", { class: "choice" }, h("legend", {}, title), text && h("p", { class: "hint" }, text),
    h("div", { class: "pills" }, values.map((value) => h("label", { class: "pill" },
      h("input", { type: "radio", name, value, class: "unseen", checked: value === now, onchange: (event) => pick(event.target.value) }), h("span", {}, words(value))))));
}

async function order(app, go) {
  const { draft } = app;
  if (!draft.styles.size) { document.querySelector(".shelf input").focus(); say(t("look.none")); return; }
  go.disabled = true;
  const consent = { adult: true, own_face: true, text: draft.consent.join(" ") };
  const wanted = { class_word: draft.word, styles: [...draft.styles], count: Math.max(draft.count, draft.styles.size), consent, test: app.test };
  try {
    const made = await call("/v1/page/jobs", { method: "POST", body: wanted });
    Object.assign(app, { job: made.job, key: made.key });
    history.replaceState(null, "", `#${made.key}`);
    app.go("photos");
  } catch (error) {
    go.disabled = false;
    app.trouble(error);
  }
}
