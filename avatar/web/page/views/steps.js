// Where in the whole one is, across the top of each view but the first.

import { h, icon } from "../dom.js";
import { t } from "../words.js";

const ALL = ["style", "photos", "wait", "done"];

export function steps(now) {
  const at = ALL.indexOf(now);
  return h("nav", { "aria-label": t("steps") }, h("ol", { class: "steps" },
    ALL.map((name, place) => h("li", { class: place < at ? "past" : place === at ? "now" : "later", "aria-current": place === at ? "step" : null },
      h("span", { class: "dot", "aria-hidden": "true" }, place < at ? icon("check") : String(place + 1)), h("span", { class: "name" }, t(`step.${name}`))))));
}
