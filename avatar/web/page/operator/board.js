// How the service stands: what needs a hand first, then what waits, what stages take, what ended and how.

import { h, icon } from "../dom.js";
import { moment, number, span, t } from "../words.js";

export function board(found, holds) {
  const sum = (lines, of) => lines.reduce((all, one) => all + of(one), 0);
  const waits = found.alive.filter((one) => ["queued", "lost"].includes(one.state));
  const overdue = sum(found.deletions, (one) => one.overdue);
  const failed = sum(found.ended.filter((one) => one.ending === "failed"), (one) => one.jobs);
  return [
    h("ul", { class: "cards" },
      card("op.waiting", sum(waits, (one) => one.jobs), waits.length ? t("op.oldest", { time: span(Math.max(...waits.map((one) => one.oldest))) }) : t("op.nothing")),
      card("op.running", sum(found.alive.filter((one) => one.state === "running"), (one) => one.jobs), ""),
      card("op.overdue", overdue, overdue ? t("op.overdue.bad") : t("op.overdue.good"), overdue ? "bad" : "good"),
      card("op.failed", failed, t("op.failed.text"), failed ? "bad" : "good"),
      card("op.holds", holds.length, t("op.holds.text")),
      card("op.unsent", found.messages_unsent, found.messages_given_up ? t("op.given", { n: found.messages_given_up }) : t("op.unsent.good"), found.messages_given_up ? "bad" : "good")),
    h("div", { class: "tables" },
      table("op.queue", ["op.stage", "op.state", "op.jobs", "op.age"], found.alive.map((one) => [word("stage", one.stage), [t(`op.state.${one.state}`), one.test ? h("span", { class: "tag" }, t("op.test")) : null], number(one.jobs), span(one.oldest)])),
      table("op.stages", ["op.stage", "op.jobs", "op.mean", "op.most"], found.stages.map((one) => [word("stage", one.stage), number(one.jobs), seconds(one.mean), one.most === null ? t("op.over") : seconds(one.most)])),
      table("op.ended", ["op.ending", "op.code", "op.jobs"], found.ended.map((one) => [t(`op.ending.${one.ending}`), h("code", {}, one.code), number(one.jobs)])),
      table("op.deletions", ["op.what", "op.owed", "op.due", "op.late"], found.deletions.map((one) => [t(`op.what.${one.what}`), number(one.owed), number(one.due), one.overdue ? h("strong", { class: "bad" }, `${number(one.overdue)} · ${span(one.oldest)}`) : number(0)])),
      table("op.standing", ["op.job", "op.reason", "op.since"], holds.map((one) => [h("code", {}, one.job), t(`op.hold.${one.reason}`), moment(one.since)])),
      table("op.replaced", ["op.reason", "op.pictures"], Object.entries(found.replaced).filter(([, count]) => count).map(([reason, count]) => [t(`op.why.${reason}`), number(count)]))),
  ];
}

const word = (kind, name) => t(`op.${kind}.${name}`);
const seconds = (value) => (value < 90 ? t("op.seconds", { n: Math.round(value * 10) / 10 }) : span(value));

function card(key, count, words, mood = "") {
  return h("li", { class: `card ${mood}` }, h("strong", {}, number(count)), h("span", { class: "name" }, t(key)), h("span", { class: "under" }, mood && icon(mood === "good" ? "check" : "cross"), words));
}

// A table with its name; the first of a row is its head. Numbers stand to the right.
function table(key, heads, rows) {
  const body = rows.map((row) => h("tr", {}, row.map((cell, at) => h(at ? "td" : "th", { scope: at ? null : "row", class: /^[\d.,]+$/.test(cell) ? "count" : null }, cell))));
  const whole = h("table", {}, h("thead", {}, h("tr", {}, heads.map((one) => h("th", { scope: "col" }, t(one))))), h("tbody", {}, body));
  return h("section", { class: "sheet", "aria-labelledby": key }, h("h2", { id: key }, t(key)), rows.length ? h("div", { class: "wide", tabindex: 0, role: "region", "aria-labelledby": key }, whole) : h("p", { class: "hint" }, t("op.none")));
}
