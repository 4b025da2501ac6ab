// Build what is seen, put it on the page, and say it to those who listen. No markup is ever read from text.

const SVG = "http://www.w3.org/2000/svg";
const PATHS = {
  check: "M5 12.5l4.5 4.5L19 7.5",
  cross: "M6 6l12 12M18 6L6 18",
  heart: "M12 20s-7.5-4.6-7.5-10.2A4.3 4.3 0 0 1 12 7.3a4.3 4.3 0 0 1 7.5 2.5C19.5 15.4 12 20 12 20z",
  save: "M12 4v11m0 0l-4.5-4.5M12 15l4.5-4.5M5 19.5h14",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  camera: "M4 8.5h3.5L9 6h6l1.5 2.5H20V19H4zM12 16.5a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4z",
  photo: "M4 5.5h16v13H4zM4 16l4.5-4.5 3.5 3.5 3-3 5 4.5M15.5 9.5h.01",
  again: "M19 12a7 7 0 1 1-2.1-5M19 4v4h-4",
  lock: "M6.5 11h11v8.5h-11zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  clock: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 7.5V12l3 2",
  eye: "M3 12s3.5-6 9-6 9 6 9 6-3.5 6-9 6-9-6-9-6zM12 14.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM4 20L20 4",
  link: "M10 14a3.5 3.5 0 0 0 5 0l3.5-3.5a3.5 3.5 0 0 0-5-5L12.5 6.5M14 10a3.5 3.5 0 0 0-5 0l-3.5 3.5a3.5 3.5 0 0 0 5 5l1-1",
  plus: "M12 5v14M5 12h14",
  share: "M12 15V4m0 0L8 8m4-4l4 4M6 12H5v8h14v-8h-1",
  zoom: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5L20 20M10.5 8v5M8 10.5h5",
};

// An element. Properties that begin with "on" are listeners; true is an empty attribute; null and false are left out.
export function h(tag, properties, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export function icon(name) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("viewBox", "0 0 24 24");
  made.setAttribute("class", "icon");
  made.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  made.append(path);
  return made;
}

// A button with words, and maybe a picture before them.
export function button(words, act, { kind = "plain", picture, ...more } = {}) {
  return h("button", { type: "button", class: `button ${kind}`, onclick: act, ...more }, picture && icon(picture), words);
}

// A button with a picture alone; its words are for those who listen.
export function knob(name, picture, act, more = {}) {
  return h("button", { type: "button", class: "knob", "aria-label": name, title: name, onclick: act, ...more }, icon(picture));
}

// Put a view on the page, at its top, with the focus on its heading, so that a reader starts there.
export function show(title, ...children) {
  const view = document.getElementById("view");
  view.replaceChildren(...children.flat(9).filter(Boolean));
  document.title = title === "avatar" ? title : `${title} · avatar`;
  scrollTo(0, 0);
  const heading = view.querySelector("h1");
  heading?.setAttribute("tabindex", "-1");
  heading?.focus({ preventScroll: true });
}

// Say it once to those who listen.
export function say(words) {
  const said = document.getElementById("said");
  if (said.textContent !== words) said.textContent = words;
}

// A line across the top while something lasts: offline, a rehearsal; null takes it away.
export function line(words) {
  const shown = document.getElementById("line");
  shown.hidden = !words;
  shown.textContent = words ?? "";
}

// Ask before something that can not be undone; true if it is wanted.
export function ask(title, text, yes, no) {
  return new Promise((answer) => {
    const box = h(
      "dialog",
      { class: "ask", "aria-labelledby": "ask-title", onclose: () => { box.remove(); answer(box.returnValue === "yes"); } },
      h("h2", { id: "ask-title" }, title),
      h("p", {}, text),
      h("div", { class: "row end" }, button(no, () => box.close("no")), button(yes, () => box.close("yes"), { kind: "grave" })),
    );
    document.body.append(box);
    box.showModal();
  });
}

// Hand a file to the person.
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const anchor = h("a", { href: url, download: name, hidden: true });
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60000); // milliseconds; a slow disk may still be reading
}
