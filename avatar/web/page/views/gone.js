// The end: everything is being erased, then the receipt, checked here and kept by whoever wants it.

import { insist, rest } from "../api.js";
import { button, h, icon, save, say, show } from "../dom.js";
import { digestFits, signatureFits } from "../receipt.js";
import { moment, t } from "../words.js";

const LOOKS = 1; // seconds between two looks for the receipt

export async function gone(app, signal, deletion) {
  const papers = h("div", {});
  const view = (title, text, ...more) => show(t(title), h("section", { class: "farewell" }, h("h1", {}, t(title)), h("p", { class: "lead" }, t(text)), ...more), papers);
  if (deletion.state === "held") return view("gone.held", "gone.held.text");
  if (!deletion.receipt) view("gone.going", "gone.going.text", h("progress", { "aria-label": t("gone.going") }));
  const paid = await follow(app, signal, deletion, papers);
  if (!paid || signal.aborted) return;
  const again = app.terms.open && button(t("ended.again"), () => location.assign(`/${location.search}`), { kind: "quiet" });
  view("gone.title", "gone.text");
  papers.append(h("p", { class: "hint center" }, t("gone.later")), h("div", { class: "row middle" }, again));
  say(t("gone.title"));
}

// Wait for the receipt of a deletion and show it in its place; null where the view was left.
export async function follow(app, signal, deletion, place) {
  try {
    while (!deletion.receipt) {
      await rest(LOOKS, signal);
      deletion = await insist(`/v1/deletions/${deletion.id}`, { key: app.key, signal }, app.away);
      app.away(false);
    }
  } catch (error) {
    if (!signal.aborted) app.trouble(error);
    return null;
  }
  place.replaceChildren(await receipt(deletion.receipt));
  return deletion;
}

// The receipt as a paper: what went, how it was checked, and whether it is genuine.
export async function receipt(document) {
  const [digest, signature] = await Promise.all([digestFits(document), signatureFits(document)]);
  const word = (fits) => (fits === null ? "unknown" : fits ? "yes" : "no");
  const left = document.listed_again?.objects ?? 0;
  return h("section", { class: "receipt", "aria-label": t("receipt.title") },
    h("h2", {}, t("receipt.title")),
    h("dl", {}, line("receipt.job", h("code", {}, document.job ?? "")), line("receipt.when", document.listed_again ? moment(document.listed_again.at) : "")),
    goods(document.erased ?? []),
    h("dl", {}, line("receipt.key", t(document.key_destroyed ? "receipt.key.yes" : "receipt.key.no")), line("receipt.left", t("receipt.left.n", { n: left }))),
    h("dl", { class: "seals" },
      line("receipt.digest", seal(digest, `receipt.digest.${word(digest)}`)),
      line("receipt.signature", seal(signature, signature === null ? "receipt.signature.none" : `receipt.signature.${word(signature)}`))),
    h("details", {}, h("summary", {}, t("receipt.not")), h("ul", { lang: "en" }, (document.not_covered ?? []).map((text) => h("li", {}, text))),
      h("p", {}, t("receipt.never")), h("ul", { lang: "en" }, (document.never_stored ?? []).map((text) => h("li", {}, text)))),
    button(t("receipt.save"), () => save(new Blob([JSON.stringify(document, null, 2)], { type: "application/json" }), `receipt-${document.job}.json`), { kind: "second", picture: "save" }));
}

const line = (key, value) => [h("dt", {}, t(key)), h("dd", {}, value)];

// How many of each kind went, over all sweeps.
function goods(erased) {
  const sums = new Map();
  for (const one of erased) sums.set(one.kind, (sums.get(one.kind) ?? 0) + one.objects);
  if (!sums.size) return h("p", { class: "goods" }, t("receipt.nothing"));
  return h("dl", { class: "goods" }, [...sums].map(([kind, objects]) => line(`kind.${kind}`, String(objects))));
}

function seal(fits, key) {
  return h("span", { class: fits === null ? "seal" : fits ? "seal good" : "seal bad" }, fits !== null && icon(fits ? "check" : "cross"), t(key));
}
