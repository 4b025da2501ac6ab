// Erase jobs: choose them, see exactly what would go, type the number, and only then is anything erased.

import { button, h, say } from "../dom.js";
import { number, t } from "../words.js";

const DAY = 86400; // seconds
const SHOWN = 50; // lines of what would go

// `ask` sends an order and gives its report; `told` puts a failure into words; `done` is called when something went.
export function purge({ ask, told, done }) {
  const ways = ["jobs", "older", "everything"].map((name) => h("input", { type: "radio", name: "way", value: name, id: `way-${name}`, class: "radio", checked: name === "jobs" }));
  const jobs = h("textarea", { id: "jobs", rows: 3, spellcheck: "false", "aria-label": t("op.purge.jobs") });
  const days = h("input", { type: "number", id: "days", min: 0, step: 1, value: 30, "aria-label": t("op.purge.older") });
  const plan = button(t("op.purge.plan"), look, { kind: "second", id: "plan", picture: "zoom" });
  const trouble = h("p", { class: "missing", role: "alert" }), shown = h("div", { class: "planned-place" });
  const fields = { jobs, older: days };
  ways.forEach((way) => way.addEventListener("change", () => { shown.replaceChildren(); turn(); }));
  [jobs, days].forEach((field) => field.addEventListener("input", () => shown.replaceChildren())); // what was shown is not what is chosen now
  const chosen = () => ways.find((way) => way.checked).value;
  const turn = () => Object.entries(fields).forEach(([name, field]) => { field.hidden = chosen() !== name; });
  turn();

  function order() {
    if (chosen() === "everything") return { everything: true };
    if (chosen() === "older") return { older_than_seconds: Math.max(0, Number(days.value)) * DAY };
    return { jobs: jobs.value.split(/[\s,]+/).filter(Boolean) };
  }

  async function send(body, then) {
    trouble.textContent = "";
    plan.disabled = true;
    try {
      then(await ask(body));
    } catch (error) {
      trouble.textContent = told(error);
    }
    plan.disabled = false;
  }

  function look() {
    const wanted = order();
    return send({ ...wanted, dry_run: true }, (report) => {
      shown.replaceChildren(planned(report, () => erase(report)));
      say(t("op.purge.would", { n: report.jobs, objects: number(report.objects), size: size(report.bytes) }));
    });
  }

  // Exactly the jobs that were shown, by their ids: one that came meanwhile is not among them.
  function erase(report) {
    return send({ jobs: report.planned.map((one) => one.job), dry_run: false, confirm: report.planned.length }, (found) => {
      const gone = found.done.filter((one) => one.came === "erased").length;
      const rest = found.done.filter((one) => one.came !== "erased");
      const words = t("op.purge.done", { n: gone });
      shown.replaceChildren(h("p", { class: "told" }, h("strong", {}, words), rest.length ? ` ${t("op.purge.rest", { n: rest.length })}` : ""),
        h("ul", { class: "rest" }, rest.map((one) => h("li", {}, h("code", {}, one.job), ` ${t(`op.came.${one.came}`)} `, one.code && h("code", {}, one.code)))));
      say(words);
      done();
    });
  }

  return h("section", { class: "sheet purge", "aria-labelledby": "purge" }, h("h2", { id: "purge" }, t("op.purge")), h("p", { class: "hint" }, t("op.purge.text")),
    h("fieldset", {}, h("legend", {}, t("op.purge.which")), ways.map((way) => h("div", { class: "way" }, way, h("label", { for: way.id }, t(`op.purge.${way.value}`)), fields[way.value] ?? null))),
    h("div", { class: "row" }, plan), trouble, shown);
}

function planned(report, erase) {
  if (!report.jobs) return h("p", { class: "told planned" }, t("op.purge.none"));
  const lines = report.planned.slice(0, SHOWN).map((one) => h("tr", {}, h("th", { scope: "row" }, h("code", {}, one.job)), h("td", {}, one.held ? t("op.purge.held") : word(one.state)), h("td", { class: "count" }, number(one.objects)), h("td", { class: "count" }, size(one.bytes))));
  const count = report.planned.length;
  const typed = h("input", { type: "text", id: "typed", inputmode: "numeric", autocomplete: "off", "aria-describedby": "typed-text" });
  const go = button(t("op.purge.go", { n: count }), () => { go.disabled = typed.disabled = true; erase(); }, { kind: "grave", id: "erase", disabled: true });
  typed.addEventListener("input", () => { go.disabled = typed.value.trim() !== String(count); });
  return h("div", { class: "planned" },
    h("p", {}, h("strong", {}, t("op.purge.would", { n: report.jobs, objects: number(report.objects), size: size(report.bytes) })), report.jobs > count && ` ${t("op.purge.part", { n: count })}`),
    h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": t("op.purge.list") }, h("table", {},
      h("thead", {}, h("tr", {}, ["op.job", "op.state", "op.objects", "op.size"].map((one) => h("th", { scope: "col" }, t(one))))), h("tbody", {}, lines))),
    report.planned.length > SHOWN && h("p", { class: "hint" }, t("op.purge.more", { n: report.planned.length - SHOWN })),
    h("label", { for: "typed", id: "typed-text" }, t("op.purge.type", { n: count })), h("div", { class: "row" }, typed, go));
}

function word(state) {
  const [stage, ending] = [t(`op.stage.${state}`), t(`op.ending.${state}`)];
  return stage !== `op.stage.${state}` ? stage : ending !== `op.ending.${state}` ? ending : t(`op.state.${state}`);
}

function size(bytes) {
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, "kilobyte"] : bytes < 1e9 ? [bytes / 1e6, "megabyte"] : [bytes / 1e9, "gigabyte"];
  return new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, maximumFractionDigits: 1 }).format(value);
}
