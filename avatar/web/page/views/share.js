// The way back: the private link, to copy or to photograph from another screen.

import { button, h, say } from "../dom.js";
import { qr } from "../qr.js";
import { t } from "../words.js";

const BORDER = 4; // modules of quiet around a code; ISO/IEC 18004, 6.3.8
const SCALE = 6; // pixels of a module; the code is shown smaller where there is less room

export function share(app) {
  const link = `${location.origin}/#${app.key}`;
  const field = h("input", { type: "text", readonly: true, value: link, "aria-label": t("share.field"), onfocus: (event) => event.target.select() });
  const copy = button(t("share.copy"), async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(link);
    } catch {
      document.execCommand("copy"); // where the page is not served over TLS
    }
    copy.lastChild.textContent = t("share.copied");
    say(t("share.copied"));
  }, { kind: "second", picture: "link" });
  const code = h("details", { class: "code" }, h("summary", {}, t("share.qr")), drawn(link));
  return h("section", { class: "sheet share", "aria-labelledby": "share" },
    h("h2", { id: "share" }, t("share.title")), h("p", {}, t("share.text")), h("div", { class: "row" }, field, copy), code);
}

function drawn(link) {
  const rows = qr(link), side = (rows.length + 2 * BORDER) * SCALE;
  const canvas = h("canvas", { width: side, height: side, role: "img", "aria-label": t("share.qr.name") });
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#ffffff";
  pen.fillRect(0, 0, side, side);
  pen.fillStyle = "#201f1e";
  rows.forEach((row, y) => row.forEach((dark, x) => { if (dark) pen.fillRect((x + BORDER) * SCALE, (y + BORDER) * SCALE, SCALE, SCALE); }));
  return canvas;
}
