// One picture over the whole screen: next and previous by arrows, swipe or buttons; larger by tap, + or the knob.

import { h, knob, save, say } from "../dom.js";
import { t } from "../words.js";

const SWIPE = 50; // pixels a finger must go sideways

export function zoom({ names, at, picture, words, heart, signal, back, under }) {
  const image = h("img", { alt: "" }), stage = h("div", { class: "stage", tabindex: 0, autofocus: true }, image);
  const title = h("p", { class: "title", id: "zoom-title" }), like = h("span", {});
  const move = (step) => { at = (at + step + names.length) % names.length; draw(); };
  const larger = (on = !stage.classList.contains("large")) => { stage.classList.toggle("large", on); size.setAttribute("aria-pressed", String(on)); };
  const size = knob(t("done.zoom"), "zoom", () => larger(), { "aria-pressed": "false" });
  const file = async () => new File([await (await fetch(image.src)).blob()], names[at], { type: "image/png" });
  const give = navigator.canShare && knob(t("done.share"), "share", async () => { const one = await file(); if (navigator.canShare({ files: [one] })) await navigator.share({ files: [one] }).catch(() => {}); });
  const box = h("dialog", { class: "zoom", "aria-labelledby": "zoom-title", onclose: () => { box.remove(); back(); } },
    h("div", { class: "tools" }, title, like, size, knob(t("done.save"), "save", async () => save(await file(), names[at])), give, knob(t("close"), "cross", () => box.close())),
    stage, knob(t("done.previous"), "left", () => move(-1), { class: "knob side previous" }), knob(t("done.following"), "right", () => move(1), { class: "knob side following" }), under.bar);

  async function draw() {
    const name = names[at];
    larger(false);
    under.of(name);
    title.textContent = `${words(name)} · ${t("of.count", { n: at + 1, all: names.length })}`;
    const held = like.contains(document.activeElement); // its place is taken by another; the focus must not fall out
    like.replaceChildren(heart(name));
    if (held) like.firstChild.focus();
    const url = await picture(name).catch(() => "");
    if (names[at] !== name) return;
    if (url) image.src = url;
    image.alt = words(name);
    say(title.textContent);
  }

  under.redraw = draw;
  box.addEventListener("keydown", (event) => {
    if (event.target.closest(".menu")) return; // its own buttons
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step && !stage.classList.contains("large")) { event.preventDefault(); move(step); }
    if (event.key === "+" || event.key === "-") larger(event.key === "+");
  });
  swipe(stage, image, move, larger);
  signal.addEventListener("abort", () => box.close(), { once: true });
  document.body.append(box);
  draw();
  box.showModal();
}

function swipe(stage, image, move, larger) {
  let from = null;
  stage.addEventListener("pointerdown", (event) => { from = event.isPrimary ? { x: event.clientX, y: event.clientY } : null; });
  stage.addEventListener("pointerup", (event) => {
    if (!from) return;
    const across = event.clientX - from.x, down = event.clientY - from.y;
    from = null;
    if (stage.classList.contains("large")) { if (Math.hypot(across, down) < 5) larger(false); return; }
    if (Math.abs(across) > SWIPE && Math.abs(across) > Math.abs(down)) move(across < 0 ? 1 : -1);
    else if (event.target === image && Math.hypot(across, down) < 5) larger(true);
  });
  stage.addEventListener("pointercancel", () => { from = null; });
}
