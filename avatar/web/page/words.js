// The words of the page: one file a language, all with the same keys; the choice is remembered, nothing else is.

import en from "./words/en.js";
import id from "./words/id.js";

const TONGUES = { en, id };
const KEPT = "tongue";

function chosen() {
  const wanted = [read(), ...navigator.languages.map((name) => name.slice(0, 2).toLowerCase())];
  return wanted.find((name) => name in TONGUES) ?? "en";
}

function read() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null; // storage is turned off; the browser's own language is used
  }
}

// More words, for a page that few people see; they weigh on no other.
export function learn(more) {
  for (const [name, words] of Object.entries(more)) Object.assign(TONGUES[name], words);
}

let tongue = chosen();
export const tongues = () => Object.entries(TONGUES).map(([name, words]) => [name, words.tongue]);
export const now = () => tongue;

export function choose(name) {
  tongue = name;
  document.documentElement.lang = name;
  try {
    localStorage.setItem(KEPT, name);
  } catch {
    // it holds until the page is closed
  }
}

// The words for a key, with {places} filled in; a key with "n" may have a form of its own for one.
export function t(key, values = {}) {
  const words = TONGUES[tongue];
  const text = (values.n === 1 && words[`${key}.one`]) || words[key] || en[key] || key;
  return text.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? number(values[name]) : values[name] ?? ""));
}

// The words for a key that may be missing: what a service of a newer version says is shown as it came.
export const maybe = (key, otherwise) => TONGUES[tongue][key] ?? otherwise;
export const number = (value) => new Intl.NumberFormat(tongue).format(value);

// "about 3 minutes", never finer than one can know.
export function span(seconds) {
  const [value, unit] = seconds < 90 ? [Math.max(5, Math.ceil(seconds / 5) * 5), "second"]
    : seconds < 5400 ? [Math.round(seconds / 60), "minute"] : [Math.round(seconds / 3600), "hour"];
  return new Intl.NumberFormat(tongue, { style: "unit", unit, unitDisplay: "long" }).format(value);
}

// As the person's own country writes it, where their browser says so.
const place = () => navigator.languages.find((name) => name.slice(0, 2).toLowerCase() === tongue) ?? tongue;
export const moment = (text) => new Intl.DateTimeFormat(place(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(text));
export const day = (text) => new Intl.DateTimeFormat(place(), { dateStyle: "long" }).format(new Date(text));
