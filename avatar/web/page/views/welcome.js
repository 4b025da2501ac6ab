// What it is, what happens to a face here, and the two lines to agree to; no photo is asked for before that.

import { button, h, icon, say, show } from "../dom.js";
import { t } from "../words.js";

const SHOWN = ["neon", "poster", "stained-glass", "astronaut", "oil"];

export function welcome(app) {
  const told = { least: app.terms.least_photos, most: app.terms.most_photos, days: app.terms.keep_days };
  show("avatar",
    h("section", { class: "hero" },
      h("div", { class: "words" }, h("h1", {}, t("welcome.title")), h("p", { class: "lead" }, t("welcome.lead"))),
      fan(app)),
    h("section", { class: "promises", "aria-labelledby": "promises" },
      h("h2", { id: "promises" }, t("promise.title")),
      h("ul", { class: "three" },
        promise("lock", "promise.taken", told), promise("clock", "promise.long", told), promise("eye", "promise.who", told))),
    consent(app));
}

export function closed() {
  show(t("closed.title"), h("section", { class: "sheet narrow" }, h("h1", {}, t("closed.title")), h("p", {}, t("closed.text"))));
}

// Five previews, held like cards; what the shelf does not have is left out.
function fan(app) {
  const here = SHOWN.filter((name) => app.styles.some((style) => style.name === name && style.preview));
  const more = app.styles.filter((style) => style.preview && !here.includes(style.name)).map((style) => style.name);
  const names = [...here, ...more].slice(0, 5);
  return h("div", { class: "fan", role: "img", "aria-label": t("welcome.pictures") },
    names.map((name, at) => h("img", { src: `/page/previews/${name}.webp`, alt: "", width: 192, height: 192, class: `card-${at}`, decoding: "async" })));
}

function promise(picture, key, told) {
  return h("li", {}, icon(picture), h("h3", {}, t(key)), h("p", {}, t(`${key}.text`, told)));
}

function consent(app) {
  const missing = h("p", { class: "missing", id: "missing", hidden: true }, t("consent.missing"));
  const boxes = ["consent.adult", "consent.own"].map((key) => h("input", { type: "checkbox", id: key, class: "box", checked: app.draft.consent.length === 2 }));
  const rows = ["consent.adult", "consent.own"].map((key, at) => h("label", { class: "tick", for: key }, boxes[at], h("span", {}, t(key))));
  const go = () => {
    const first = boxes.find((box) => !box.checked);
    missing.hidden = !first;
    boxes.forEach((box) => box.checked ? box.removeAttribute("aria-invalid") : (box.setAttribute("aria-invalid", "true"), box.setAttribute("aria-describedby", "missing")));
    if (first) { first.focus(); say(t("consent.missing")); return; }
    app.draft.consent = [t("consent.adult"), t("consent.own")];
    app.go("look");
  };
  return h("section", { class: "sheet consent", "aria-labelledby": "consent" },
    h("h2", { id: "consent" }, t("consent.title")), ...rows, missing, button(t("consent.go"), go, { kind: "main" }));
}
