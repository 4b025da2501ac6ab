// An order that ended without pictures: what happened, whose fault it was, what now; and a link that opens nothing.

import { button, h, show } from "../dom.js";
import { t } from "../words.js";
import { follow } from "./gone.js";

export function ended(app, signal, deletion) {
  const { job } = app, key = `end.${job.code}`, known = t(key) !== key;
  const title = t(`ended.${job.state}`);
  const text = known ? `${t(key)} ${t(`${key}.do`)}` : job.state === "refused" ? job.sentence : t(`ended.${job.state}.text`);
  const papers = h("div", {});
  show(title, h("section", { class: "sheet narrow" }, h("h1", {}, title), h("p", { class: "lead" }, text), h("p", {}, t("ended.erased")), begin(app)), papers);
  app.forget();
  if (deletion) follow(app, signal, deletion, papers);
}

export function lost(app) {
  show(t("lost.title"), h("section", { class: "sheet narrow" }, h("h1", {}, t("lost.title")), h("p", { class: "lead" }, t("lost.text")), begin(app)));
}

// A fresh page without the old key in its address.
export function begin(app) {
  return app.terms.open && button(t("ended.again"), () => location.assign(`/${location.search}`), { kind: "main" });
}
