// What happens now, how long it takes, and the way back; goes on by itself whatever breaks in between.

import { call, rest } from "../api.js";
import { button, h, icon, say, show } from "../dom.js";
import { titled } from "./look.js";
import { span, t } from "../words.js";
import { over, watch } from "../watch.js";
import { share } from "./share.js";
import { steps } from "./steps.js";

const LOOKS = 3; // seconds between two looks for new pictures
const MOST = 12; // places in the strip; the service shows no more while it works
const STAGES = ["intake", "tune", "render", "finish", "deliver"];

export async function waiting(app, signal) {
  const left = h("p", { class: "left", id: "left" }), place = h("p", { class: "place" });
  const list = h("ol", { class: "stages", "aria-label": t("wait.stages") });
  const tally = h("p", { class: "hint", id: "strip-count" });
  const strip = h("ul", { class: "strip", tabindex: 0, "aria-labelledby": "strip" }, frames(app));
  show(t("wait.title"), steps("wait"),
    h("div", { class: "head" }, h("h1", {}, t("wait.title")), h("p", { class: "lead" }, t("wait.lead"))),
    h("section", { class: "sheet works" }, h("div", { class: "clock" }, left, place), list),
    h("section", { class: "coming" }, h("h2", { id: "strip" }, t("wait.strip")), h("p", { class: "hint" }, t("wait.strip.text")), strip, tally),
    share(app),
    h("div", { class: "row middle" }, button(t("wait.stop"), () => app.erase(), { kind: "quiet" })));
  let looking = false;
  const seen = ({ job }) => {
    app.job = job;
    draw(job, { left, place, list, tally, strip });
    if (!looking && ["render", "finish"].includes(job.stage)) looking = Boolean(fill(app, strip, signal, seen));
  };
  seen({ job: app.job });
  try {
    const last = await watch(app.job.id, app.key, { seen, away: app.away, signal });
    if (last && over(last.job) && !signal.aborted) app.arrive(last.job);
  } catch (error) {
    app.trouble(error);
  }
}

// Small pictures as they pass, each into a place of its style; they stand in this page's memory until the view is left.
async function fill(app, strip, signal, seen) {
  const known = new Map();
  signal.addEventListener("abort", () => known.forEach((url) => URL.revokeObjectURL(url)), { once: true });
  while (!signal.aborted) {
    try {
      const shown = await call(`/v1/jobs/${app.job.id}/previews`, { key: app.key, signal });
      for (const one of shown.filter(({ number }) => !known.has(number))) {
        const place = strip.querySelector(`li[data-style="${one.style}"]:not(.drawn)`);
        if (!place) continue; // more were drawn of this style than were ordered
        const answer = await call(`/v1/jobs/${app.job.id}/previews/${one.number}.jpg`, { key: app.key, signal, raw: true });
        known.set(one.number, URL.createObjectURL(await answer.blob()));
        put(app, place, one.style, known.get(one.number));
        seen({ job: app.job });
        if (known.size === 1) say(t("wait.strip.first"));
      }
    } catch {
      // the job went on, or the network is away: the view knows of both by other ways
    }
    await rest(LOOKS, signal).catch(() => {});
  }
}

function put(app, place, name, url) {
  const style = app.styles.find((one) => one.name === name);
  place.className = "drawn";
  place.removeAttribute("aria-hidden");
  place.replaceChildren(h("img", { src: url, alt: t("wait.strip.one", { style: style ? titled(style) : name }), width: 160, height: 160 }));
}

// Each picture's place, held by the preview of its style, out of focus until it is painted.
function frames(app) {
  const { styles } = app.job, count = Math.min(MOST, app.job.count);
  const shared = styles.flatMap((name, at) => Array(Math.floor(count / styles.length) + (at < count % styles.length ? 1 : 0)).fill(name));
  return shared.map((name) => {
    const style = app.styles.find((one) => one.name === name);
    return h("li", { "aria-hidden": "true", "data-style": name }, style?.preview ? h("img", { src: `/page/previews/${name}.webp`, alt: "", width: 192, height: 192 }) : h("span", { class: "nopreview" }));
  });
}

function draw(job, { left, place, list, tally, strip }) {
  const at = Math.max(0, STAGES.indexOf(job.stage));
  const words = remaining(job);
  const line = job.state !== "queued" || job.ahead === null ? "" : job.ahead ? t("wait.ahead", { n: job.ahead }) : t("wait.next");
  left.textContent = words;
  place.textContent = line;
  const parts = STAGES.map((name, here) => stage(name, here < at ? "done" : here === at ? "now" : "later", here === at && job.state === "running" ? job.progress : null));
  if (list.dataset.at !== String(at)) { list.replaceChildren(...parts); say(`${t(`stage.${STAGES[at]}`)}. ${line} ${words}`); } else list.children[at].replaceWith(parts[at]);
  list.dataset.at = at;
  const painted = at > 2 ? job.count : at === 2 && job.progress ? Math.min(job.count, Math.round((job.count * job.progress.done) / Math.max(1, job.progress.total))) : 0;
  const shown = strip.querySelectorAll(".drawn").length; // a small picture may be here before the count is
  tally.textContent = t("wait.strip.count", { n: Math.max(painted, shown), all: job.count });
}

// The whole where the service knows it from earlier orders, else what it knows of this step.
function remaining(job) {
  if (job.seconds_left !== null) return t("wait.left", { time: span(job.seconds_left) });
  const part = job.progress?.seconds_left;
  return typeof part === "number" ? t("wait.part", { time: span(part) }) : t("wait.unknown");
}

function stage(name, state, progress) {
  const share = progress?.total ? progress.done / progress.total : null;
  return h("li", { class: state },
    h("span", { class: "dot", "aria-hidden": "true" }, state === "done" ? icon("check") : null),
    h("span", {}, t(`stage.${name}`), h("span", { class: "unseen" }, `: ${t(`stage.${state}`)}`)),
    state === "now" && h("progress", { max: 1, value: share ?? null, "aria-label": t(`stage.${name}`) }));
}
