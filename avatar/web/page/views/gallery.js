// The pictures: looked at, liked, saved one by one or all at once; what became of the photos; and the end of it all.

import { call } from "../api.js";
import { button, h, icon, knob, save, show } from "../dom.js";
import { day, moment, t } from "../words.js";
import { receipt } from "./gone.js";
import { titled } from "./look.js";
import { share } from "./share.js";
import { steps } from "./steps.js";
import { sparesOf, swap } from "./swap.js";
import { zoom } from "./zoom.js";

const LOOKS = 3000; // milliseconds between two looks for the receipt of the photos

export async function gallery(app, signal, owed) {
  const { job } = app, until = owed.find((one) => one.what === "everything")?.due_at;
  const count = job.delivered ?? job.count;
  const list = h("ul", { class: "gallery" }), papers = h("section", { class: "papers" });
  const hint = h("p", { class: "hint", hidden: true }, t("swap.hint"));
  const state = { app, signal, list, hint, names: [], liked: liked(job.id), only: false };
  const only = button(t("done.favourites"), () => { state.only = !state.only; draw(state); only.setAttribute("aria-pressed", String(state.only)); }, { kind: "second", picture: "heart", "aria-pressed": "false" });
  show(t("done.title"), steps("done"),
    h("div", { class: "head" }, h("h1", {}, t("done.title")),
      h("p", { class: "lead" }, until ? t("done.lead", { n: count, day: day(until) }) : t("done.lead.short", { n: count }), count < job.count && ` ${t("done.short", { n: count, all: job.count })}`),
      h("div", { class: "row middle" }, zip(app), only), hint),
    list, papers, share(app),
    h("section", { class: "sheet grave" }, h("h2", {}, t("erase.button")), h("p", {}, t("erase.ask.text")), button(t("erase.button"), () => app.erase(), { kind: "grave" })));
  inputs(app, signal, papers);
  try {
    const names = await call(`/v1/jobs/${job.id}/pictures`, { key: app.key, signal });
    state.names = names.filter((name) => /^\d+-.*\.png$/.test(name)) // the contact sheet and the papers are in the archive;
    draw(state);
  } catch (error) {
    app.trouble(error);
  }
}

function draw(state) {
  const shown = state.only ? state.names.filter((name) => state.liked.has(name)) : state.names;
  state.list.replaceChildren(...shown.map((name) => tile(state, name, shown)));
  state.hint.hidden = !state.names.some((name) => sparesOf(state.app, name));
  if (!shown.length && state.names.length) state.list.replaceChildren(h("li", { class: "none" }, t("done.none")));
}

function tile(state, name, shown) {
  const { app } = state, words = told(app, state.names, name);
  const like = heart(state, name);
  const open = h("button", { type: "button", class: "open", "aria-label": t("done.open", words) });
  open.addEventListener("click", () => {
    const names = [...shown], under = swap(app, (old, fresh) => { names[names.indexOf(old)] = fresh; replaced(state, old, fresh); under.of(fresh); under.redraw(); });
    zoom({ names, at: names.indexOf(name), picture: (one) => picture(app, one), words: (one) => t("done.picture", told(app, state.names, one)), heart: (one) => heart(state, one), signal: state.signal, back: () => draw(state), under });
  });
  fill(open, app, name, t("done.picture", words));
  return h("li", {}, open, h("div", { class: "under" }, h("span", {}, words.style), like));
}

// Another picture is in the place of one that was sent back; of the old one nothing is left here either.
function replaced(state, old, fresh) {
  state.names[state.names.indexOf(old)] = fresh;
  if (state.liked.delete(old)) keep(state.app.job.id, state.liked);
  state.app.pictures.get(old)?.then(URL.revokeObjectURL, () => {});
  state.app.pictures.delete(old);
  draw(state);
}

// A toggle; every one of the same picture follows.
function heart(state, name) {
  const made = knob(t("done.like"), "heart", () => {
    const on = !state.liked.delete(name);
    if (on) state.liked.add(name);
    keep(state.app.job.id, state.liked);
    document.querySelectorAll(`[data-like="${name}"]`).forEach((one) => one.setAttribute("aria-pressed", String(on)));
  }, { class: "knob like", "aria-pressed": String(state.liked.has(name)), "data-like": name });
  return made;
}

export function told(app, names, name) {
  const word = name.replace(/^\d+-/, "").replace(/\.png$/, ""), style = app.styles.find((one) => one.name === word);
  return { n: names.indexOf(name) + 1, style: style ? titled(style) : word };
}

// A picture's address in this page's memory; fetched once, under the key, and never put into a cache.
export function picture(app, name) {
  if (!app.pictures.has(name)) {
    const fetched = call(`/v1/jobs/${app.job.id}/pictures/${name}`, { key: app.key, raw: true }).then((answer) => answer.blob()).then(URL.createObjectURL);
    app.pictures.set(name, fetched);
    fetched.catch(() => app.pictures.delete(name));
  }
  return app.pictures.get(name);
}

async function fill(place, app, name, words) {
  try {
    place.replaceChildren(h("img", { src: await picture(app, name), alt: words, decoding: "async" }));
  } catch {
    place.replaceChildren(h("span", { class: "broken" }, icon("again"), t("done.missing")));
    place.addEventListener("click", (event) => { event.stopImmediatePropagation(); fill(place, app, name, words); }, { once: true, capture: true });
  }
}

function zip(app) {
  const made = button(t("done.zip"), async () => {
    made.disabled = true;
    made.lastChild.textContent = t("done.saving");
    try {
      save(await (await call(`/v1/jobs/${app.job.id}/pack.zip`, { key: app.key, raw: true })).blob(), "avatars.zip");
    } catch (error) {
      app.trouble(error);
    }
    made.disabled = false;
    made.lastChild.textContent = t("done.zip");
  }, { kind: "main", picture: "save" });
  return made;
}

// What became of the photos: told as it is, until the receipt is there.
async function inputs(app, signal, place) {
  while (!signal.aborted) {
    const all = await call(`/v1/jobs/${app.job.id}/deletions`, { key: app.key, signal }).catch(() => []);
    const paid = all.find((one) => one.what === "inputs");
    if (paid?.receipt) {
      const box = h("details", {}, h("summary", {}, t("inputs.receipt")));
      box.addEventListener("toggle", async () => { if (box.open && box.children.length === 1) box.append(await receipt(paid.receipt)); });
      place.replaceChildren(h("p", { class: "kept" }, icon("lock"), t("inputs.done", { time: moment(paid.done_at) })), box);
      return;
    }
    place.replaceChildren(h("p", { class: "kept" }, icon("clock"), t("inputs.owed")));
    await new Promise((done) => setTimeout(done, LOOKS));
  }
}

const KEPT = (job) => `liked ${job}`; // names of files, in this tab alone, until it is closed or all is erased

function liked(job) {
  try {
    return new Set(JSON.parse(sessionStorage.getItem(KEPT(job)) ?? "[]"));
  } catch {
    return new Set();
  }
}

function keep(job, names) {
  try {
    sessionStorage.setItem(KEPT(job), JSON.stringify([...names]));
  } catch {
    // they hold as long as the view does
  }
}
