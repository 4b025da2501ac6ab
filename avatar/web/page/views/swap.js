// Send a picture back, under the picture itself: why, what it costs, and the new one in its place.

import { call, Trouble } from "../api.js";
import { button, h } from "../dom.js";
import { t } from "../words.js";

const REASONS = ["not_like_me", "face_broken", "wrong_person_count", "skin_or_hair_changed", "other"];

export const styleOf = (name) => name.replace(/^\d+-/, "").replace(/\.png$/, "");
export const sparesOf = (app, name) => app.job.spares?.[styleOf(name)] ?? 0;

// The line under a picture. `came` is told of the old and the new one; `of` is called for each picture that is shown.
export function swap(app, came) {
  const open = button(t("swap.open"), () => unfold(true), { kind: "quiet", "aria-expanded": "false", "aria-controls": "swap" });
  const text = h("p", { class: "hint" }), told = h("p", { class: "told", role: "status" });
  const reasons = REASONS.map((reason) => button(t(`swap.${reason}`), () => act(reason), { kind: "small" }));
  const back = button(t("swap.keep"), () => { unfold(false); open.focus(); }, { kind: "quiet" });
  const menu = h("div", { class: "menu", id: "swap", role: "group", "aria-labelledby": "swap-title", hidden: true },
    h("h2", { id: "swap-title" }, t("swap.title")), text, h("div", { class: "row middle" }, reasons, back));
  const bar = h("div", { class: "swap" }, told, open, menu);
  let name = "", busy = false;

  function unfold(on) {
    menu.hidden = !on;
    open.hidden = on || !sparesOf(app, name);
    open.setAttribute("aria-expanded", String(on));
    if (on) { told.textContent = ""; text.textContent = t("swap.text", { n: sparesOf(app, name) }); reasons[0].focus(); }
  }

  async function act(reason) {
    if (busy) return;
    const old = name;
    busy = true;
    told.textContent = t("swap.busy");
    reasons.forEach((one) => { one.disabled = true; });
    try {
      const found = await call(`/v1/jobs/${app.job.id}/pictures/${old}/replace`, { key: app.key, method: "POST", body: { reason } });
      app.job.spares = { ...app.job.spares, [styleOf(old)]: found.spares_left };
      came(old, found.picture);
      told.textContent = t(found.erased ? "swap.done" : "swap.soon");
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      if (error.code === "no_spare_left") app.job.spares = { ...app.job.spares, [styleOf(old)]: 0 };
      const known = t(`error.${error.code}`) !== `error.${error.code}`;
      told.textContent = known ? `${t(`error.${error.code}`)} ${t(`error.${error.code}.do`)}` : error.detail ?? t("error.error");
    }
    busy = false;
    reasons.forEach((one) => { one.disabled = false; });
    unfold(false);
    (open.hidden ? bar.closest("dialog")?.querySelector(".stage") : open)?.focus();
  }

  return { bar, of: (shown) => { if (shown !== name) told.textContent = ""; name = shown; unfold(false); } };
}
