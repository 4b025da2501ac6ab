// The page: one order, told by the key in the fragment of the address, seen through one view at a time.

import { call, insist } from "./api.js";
import { ask, button, h, line, say } from "./dom.js";
import { choose, maybe, now, span, t, tongues } from "./words.js";
import { closed, welcome } from "./views/welcome.js";

// What is seen first comes with this file; the rest is fetched behind it, before anybody needs it.
const later = (file, name) => async () => (await import(`./views/${file}.js`))[name];
const VIEWS = {
  welcome: () => welcome,
  closed: () => closed,
  look: later("look", "look"),
  photos: later("photos", "photos"),
  waiting: later("waiting", "waiting"),
  gallery: later("gallery", "gallery"),
  gone: later("gone", "gone"),
  ended: later("ended", "ended"),
  lost: later("ended", "lost"),
};

let leave = new AbortController();
let again = () => {};

const app = {
  key: "",
  job: null,
  terms: null,
  styles: [],
  uploads: null,
  pictures: new Map(), // name of a picture to its address in this page's memory
  test: new URLSearchParams(location.search).has("test"),
  draft: { word: "person", styles: new Set(), count: 12, consent: [] },

  // Show a view in the place of the one before, whose work is stopped.
  async go(name, ...more) {
    leave.abort();
    const { signal } = (leave = new AbortController());
    again = () => app.go(name, ...more);
    document.getElementById("notices").replaceChildren();
    const view = await VIEWS[name]();
    if (!signal.aborted) view(app, signal, ...more);
  },

  // The view that fits how the job stands.
  async arrive(job) {
    app.job = job;
    if (job.state === "waiting_for_photos") return app.go("photos");
    if (job.state === "queued" || job.state === "running") return app.go("waiting");
    const owed = await insist(`/v1/jobs/${job.id}/deletions`, { key: app.key }, app.away);
    const asked = owed.find((one) => one.what === "everything" && (one.reason === "request" || one.done_at || Date.parse(one.due_at) <= Date.now()));
    if (asked && (job.state === "done" || (job.state === "cancelled" && job.code !== "expired"))) return app.go("gone", asked);
    return job.state === "done" ? app.go("gallery", owed) : app.go("ended", asked);
  },

  // Ask, then erase everything; from the answer on nothing can be read.
  async erase() {
    if (!(await ask(t("erase.ask"), t("erase.ask.text"), t("erase.yes"), t("erase.no")))) return;
    try {
      const deletion = await call(`/v1/jobs/${app.job.id}`, { key: app.key, method: "DELETE" });
      app.forget();
      app.go("gone", deletion);
    } catch (error) {
      app.trouble(error);
    }
  },

  // Nothing of the person stays in this page's memory or storage.
  forget() {
    app.uploads?.forget();
    app.uploads = null;
    for (const url of app.pictures.values()) url.then?.(URL.revokeObjectURL, () => {});
    app.pictures.clear();
    try {
      sessionStorage.clear();
    } catch {
      // storage is turned off: there is nothing in it
    }
  },

  // What went wrong, whose fault it is, and what now.
  trouble(error) {
    if (error?.name === "AbortError") return;
    const code = error.code ?? "fault", time = span(error.after || 60);
    const fault = error.fault ?? "service";
    const words = maybe(`error.${code}`, null) ? [t(`error.${code}`), t(`error.${code}.do`, { time })] : [error.detail ?? t("error.error"), error.remedy ?? t("error.error.do")];
    const note = h("div", { class: `notice ${fault}` },
      h("p", {}, h("strong", {}, t(`fault.${fault}`)), " ", words.join(" ")),
      button(t("close"), () => note.remove(), { kind: "quiet" }));
    document.getElementById("notices").replaceChildren(note);
  },

  away(away) {
    status(Boolean(away));
  },
};

// The line across the top: offline, away, or a rehearsal.
function status(away = false) {
  const words = !navigator.onLine ? t("offline") : away ? t("away") : app.test || app.job?.test ? t("rehearsal") : null;
  line(words);
  if (words && (away || !navigator.onLine)) say(words);
}

function frame() {
  document.documentElement.lang = now();
  const pick = h("select", { "aria-label": t("tongue.pick"), class: "tongue", onchange: (event) => { choose(event.target.value); frame(); again(); } },
    tongues().map(([name, words]) => h("option", { value: name, selected: name === now(), lang: name }, words)));
  document.getElementById("tongues").replaceChildren(pick);
  document.getElementById("foot").replaceChildren(h("p", {}, t("foot.line")));
  status();
}

async function begin() {
  const key = location.hash.slice(1);
  if (app.key && app.key !== key) app.forget();
  Object.assign(app, { key: key.startsWith("avl_") ? key : "", job: null });
  [app.terms, app.styles] = await Promise.all([insist("/v1/page", {}, app.away), insist("/v1/styles", {}, app.away)]);
  status();
  if (!app.key) {
    fetchRest();
    return app.go(app.terms.open ? "welcome" : "closed");
  }
  try {
    const found = await insist("/v1/jobs", { key: app.key }, app.away);
    status();
    return found.jobs.length ? app.arrive(found.jobs[0]) : app.go("lost");
  } catch (error) {
    return error.status === 401 ? app.go("lost") : app.trouble(error);
  }
}

function fetchRest() {
  setTimeout(() => Object.values(VIEWS).forEach((view) => view()), 300); // milliseconds; what is seen comes first
}

addEventListener("hashchange", () => { if (location.hash.slice(1) !== app.key) begin(); });
addEventListener("online", () => status());
addEventListener("offline", () => status());
addEventListener("beforeunload", (event) => { if (app.uploads?.count("waiting", "sending", "held")) event.preventDefault(); });
frame();
begin();
