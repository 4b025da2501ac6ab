// Photos in: drag, picker, camera, paste; each with its progress and its verdict in words. Then: start.

import { call } from "../api.js";
import { button, h, icon, knob, say, show } from "../dom.js";
import { t } from "../words.js";
import { Uploads } from "../uploads.js";
import { shoot } from "./camera.js";
import { steps } from "./steps.js";

const THUMB = 320; // pixels; twice what is seen
const KINDS = "image/jpeg,image/png,image/webp,image/heic,image/heif,.heic,.heif";

export function photos(app, signal) {
  const fresh = !app.uploads || app.uploads.job !== app.job.id;
  if (fresh) app.uploads = new Uploads(app.job.id, app.key, app.terms.most_photos);
  const { uploads, terms } = app;
  const tally = h("p", { class: "tally", id: "tally" });
  const meter = h("progress", { class: "meter", max: terms.least_photos, value: 0, "aria-labelledby": "tally" });
  const go = button(t("photos.go"), () => start(app, go), { kind: "main" });
  const list = h("ul", { class: "photos", "aria-label": t("photos.list") });
  const cards = new Map();
  const add = (files) => { if (uploads.add([...files])) say(t("photos.full")); };
  show(t("photos.title"), steps("photos"),
    h("div", { class: "head" }, h("h1", {}, t("photos.title")), h("p", { class: "lead" }, t("photos.lead", { least: terms.least_photos, most: terms.most_photos }))),
    h("div", { class: "desk" }, h("div", {}, drop(app, add), list), tips()),
    h("div", { class: "bar" }, button(t("photos.stop"), () => app.erase(), { kind: "quiet" }), h("div", { class: "count" }, tally, meter), go));
  const update = () => { draw(uploads, terms, list, cards); count(uploads, terms, tally, meter); };
  uploads.addEventListener("change", update, { signal });
  addEventListener("paste", (event) => { if (event.clipboardData.files.length) add(event.clipboardData.files); }, { signal });
  update();
  if (fresh) call(`/v1/jobs/${app.job.id}/photos`, { key: app.key, signal }).then((known) => uploads.found(known), (error) => app.trouble(error));
}

function drop(app, add) {
  const input = (more) => h("input", { type: "file", class: "unseen", tabindex: -1, "aria-hidden": "true", accept: KINDS, onchange: (event) => { add(event.target.files); event.target.value = ""; }, ...more });
  const picker = input({ multiple: true, id: "picker" }), camera = input({ capture: "user", id: "camera" });
  const touch = matchMedia("(pointer: coarse)").matches;
  const box = h("div", { class: "drop" },
    h("p", { class: "drag" }, icon("photo"), h("strong", {}, t("photos.drop")), h("span", {}, t("photos.drop.more"))),
    h("div", { class: "row middle" },
      button(t("photos.pick"), () => picker.click(), { kind: "second", picture: "plus" }),
      button(t("photos.camera"), () => (touch || !navigator.mediaDevices ? camera.click() : shoot(app, add)), { kind: "second", picture: "camera" })),
    h("p", { class: "hint" }, t("photos.kinds", { n: Math.floor(app.terms.most_bytes / 1e6) })), picker, camera);
  const over = (on) => (event) => { event.preventDefault(); box.classList.toggle("over", on); };
  box.addEventListener("dragover", over(true));
  box.addEventListener("dragleave", over(false));
  box.addEventListener("drop", (event) => { over(false)(event); add(event.dataTransfer.files); });
  return box;
}

function tips() {
  return h("aside", { class: "tips" }, h("h2", {}, t("photos.tips")), h("ul", {}, ["alone", "light", "mixed"].map((name) => h("li", {}, icon("check"), t(`photos.tip.${name}`)))));
}

// One card for each photo; a card that is there is changed and not made anew, so that the focus stays where it is.
function draw(uploads, terms, list, cards) {
  for (const [item, card] of cards) if (!uploads.items.includes(item)) { card.element.remove(); cards.delete(item); }
  uploads.items.forEach((item, at) => {
    if (!cards.has(item)) cards.set(item, card(uploads, item));
    const { element, update } = cards.get(item);
    if (list.children[at] !== element) list.insertBefore(element, list.children[at] ?? null);
    update(at + 1, terms);
  });
}

function card(uploads, item) {
  const picture = h("div", { class: "thumb", role: "img" }, icon("photo"));
  const words = h("p", { class: "verdict" }), bar = h("progress", { max: 1, value: 0 });
  const doing = h("div", { class: "row" });
  const away = knob("", "cross", () => uploads.remove(item), { class: "knob away" });
  const element = h("li", {}, h("div", { class: "shot" }, picture, bar, away), words, doing);
  if (item.file) thumb(item, picture);
  let before = "";
  const update = (n, terms) => {
    element.dataset.state = item.state;
    bar.hidden = item.state !== "sending";
    bar.value = item.done;
    bar.setAttribute("aria-label", t("photos.name", { n }));
    away.setAttribute("aria-label", t("photos.remove", { n }));
    picture.setAttribute("aria-label", t("photos.name", { n }));
    const told = sentence(item, terms);
    words.replaceChildren(h("strong", {}, told[0]), told[1] ? ` ${told[1]}` : "");
    if (before !== item.state) doing.replaceChildren(...deeds(uploads, item));
    if (before && before !== item.state && ["good", "poor", "failed"].includes(item.state)) say(`${t("photos.name", { n })}: ${told.join(" ")}`);
    before = item.state;
  };
  return { element, update };
}

function deeds(uploads, item) {
  if (item.code === "too_large" && item.file) return [button(t("photos.shrink"), () => uploads.shrink(item), { kind: "small" })];
  if (["failed", "held"].includes(item.state) && item.file) return [button(t("photos.retry"), () => uploads.retry(item), { kind: "small", picture: "again" })];
  return [];
}

function sentence(item, terms) {
  const n = Math.floor(terms.most_bytes / 1e6);
  const key = `verdict.${item.code}`;
  if (item.state === "sending") return [t("photos.sending", { n: Math.round(item.done * 100) })];
  if (item.state === "good") return [t("photos.good"), item.shrunk ? t("photos.shrunk", { n: item.shrunk }) : ""];
  if (item.state === "held" && item.code !== "offline") return [t(`error.${item.code}`) , ""];
  if (item.state === "poor" || item.state === "failed") {
    if (t(key) !== key) return [t(key, { n }), t(`${key}.do`)];
    const error = `error.${item.code}`;
    return t(error) === error ? [item.detail ?? t("error.error"), item.remedy ?? ""] : [t(error), t(`${error}.do`)];
  }
  return [t(`photos.${item.state}`)];
}

// A small picture of the photo; where the browser can not open it (HEIC), the sign stays.
async function thumb(item, place) {
  try {
    const picture = await createImageBitmap(item.file, { resizeWidth: THUMB, resizeQuality: "medium" });
    const canvas = h("canvas", { width: THUMB, height: THUMB, "aria-hidden": "true" });
    const side = Math.min(picture.width, picture.height);
    canvas.getContext("2d").drawImage(picture, (picture.width - side) / 2, (picture.height - side) / 3, side, side, 0, 0, THUMB, THUMB);
    picture.close();
    place.replaceChildren(canvas);
  } catch {
    place.classList.add("blank");
  }
}

function count(uploads, terms, tally, meter) {
  const good = uploads.count("good");
  meter.value = Math.min(good, terms.least_photos);
  tally.textContent = good >= terms.least_photos ? t("photos.enough", { n: good }) : t("photos.tally", { n: good, least: terms.least_photos });
}

async function start(app, go) {
  const { uploads, terms } = app, short = terms.least_photos - uploads.count("good");
  if (uploads.count("waiting", "sending", "held", "checking")) return app.trouble({ code: "still_coming", fault: "client", detail: t("photos.wait"), remedy: "" });
  if (short > 0) return app.trouble({ code: "too_few", fault: "client", detail: t("photos.more", { n: short }), remedy: "" });
  go.disabled = true;
  try {
    const job = await call(`/v1/jobs/${app.job.id}/start`, { key: app.key, method: "POST" });
    uploads.forget();
    app.uploads = null;
    app.arrive(job);
  } catch (error) {
    go.disabled = false;
    app.trouble(error);
  }
}
