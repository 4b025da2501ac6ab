// Photos on their way: two at a time, each with its progress, sent again by itself when the network failed. They stay in
// this page's memory until they have arrived; nothing is put into any storage of the browser.

import { call, rest, Trouble, troubleOf } from "./api.js";

const AT_ONCE = 2; // a phone's line is full with two
const STALL = 30; // seconds without a byte after which a line is taken for dead
const LOOKS = 1.5; // seconds between two looks for verdicts
const SIDE = 2000; // pixels, long side of a photo that the person lets us shrink; intake keeps 2,048

export class Uploads extends EventTarget {
  constructor(job, key, most) {
    super();
    Object.assign(this, { job, key, most, items: [], ended: new AbortController() });
  }

  // Photos that arrived before this page was loaded: the service has them and shows them to nobody, not even here.
  found(photos) {
    for (const photo of photos) {
      if (!this.items.some((item) => item.photo === photo.id)) this.items.push({ ...blank(), photo: photo.id, ...judged(photo) });
    }
    this.#changed();
    this.#look();
  }

  add(files) {
    const room = this.most - this.items.length;
    for (const file of [...files].slice(0, Math.max(0, room))) this.items.push({ ...blank(), file });
    this.#changed();
    this.#next();
    return files.length > room;
  }

  retry(item) {
    Object.assign(item, blank(), { file: item.file });
    this.#changed();
    this.#next();
  }

  // A smaller copy, made because the person asked for it.
  async shrink(item) {
    const picture = await createImageBitmap(item.file).catch(() => null);
    if (!picture) return this.#settle(item, "failed", { code: "decoder_died" });
    const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
    const canvas = Object.assign(document.createElement("canvas"), { width: picture.width * scale, height: picture.height * scale });
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    item.file = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
    item.shrunk = SIDE;
    this.retry(item);
  }

  async remove(item) {
    item.request?.abort();
    this.items = this.items.filter((other) => other !== item);
    this.#changed();
    this.#next();
    if (item.photo) await call(`/v1/jobs/${this.job}/photos/${item.photo}`, { key: this.key, method: "DELETE" }).catch(() => {});
  }

  // Forget all of it: the order started, or was erased.
  forget() {
    this.ended.abort();
    for (const item of this.items) { item.request?.abort(); item.file = null; }
    this.items = [];
  }

  count(...states) {
    return this.items.filter((item) => states.includes(item.state)).length;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  #settle(item, state, more = {}) {
    Object.assign(item, { state, ...more });
    this.#changed();
    this.#next();
  }

  #next() {
    const waiting = this.items.find((item) => item.state === "waiting");
    if (!waiting || this.count("sending") >= AT_ONCE || this.ended.signal.aborted) return;
    waiting.state = "sending";
    this.#send(waiting);
    this.#next();
  }

  async #send(item) {
    try {
      const photo = await put(`/v1/jobs/${this.job}/photos?wait=3`, item, this.key, () => this.#changed());
      this.#settle(item, "", { photo: photo.id, ...judged(photo) });
      this.#look();
    } catch (error) {
      if (!this.items.includes(item) || this.ended.signal.aborted) return;
      if (error.fault === "network" || error.status >= 500 || error.status === 429) return this.#later(item, error);
      this.#settle(item, error.status === 422 ? "poor" : "failed", { code: error.code, detail: error.detail, remedy: error.remedy });
    }
  }

  // Not now: it waits in memory, and goes on by itself.
  async #later(item, error) {
    item.tries++;
    this.#settle(item, "held", { done: 0, code: error.code, after: error.after });
    await rest(error.after || Math.min(2 ** item.tries, 15), this.ended.signal).catch(() => {});
    if (item.state === "held" && this.items.includes(item)) this.#settle(item, "waiting");
  }

  // Ask for the verdicts that have not come.
  async #look() {
    if (this.looking) return;
    this.looking = true;
    while (this.count("checking") && !this.ended.signal.aborted) {
      await rest(LOOKS, this.ended.signal).catch(() => {});
      const photos = await call(`/v1/jobs/${this.job}/photos`, { key: this.key }).catch(() => []);
      for (const photo of photos) {
        const item = this.items.find((one) => one.photo === photo.id && one.state === "checking");
        if (item && photo.verdict !== "pending") this.#settle(item, "", judged(photo));
      }
    }
    this.looking = false;
  }
}

// The word under which it is sent: a try whose answer was lost is found again, and not stored twice.
const blank = () => ({ state: "waiting", done: 0, tries: 0, word: word(), photo: null, code: null, detail: null, remedy: null });
const word = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

function judged(photo) {
  const state = { pending: "checking", ok: "good", refused: "poor" }[photo.verdict];
  return { state, code: photo.code, detail: photo.sentence, remedy: photo.remedy };
}

// Send by XMLHttpRequest, which alone tells how much has gone.
function put(path, item, key, told) {
  return new Promise((done, failed) => {
    const request = (item.request = new XMLHttpRequest());
    let timer;
    const alive = () => { clearTimeout(timer); timer = setTimeout(() => request.abort(), STALL * 1000); };
    const broken = () => { clearTimeout(timer); failed(new Trouble({ code: "offline", fault: "network" })); };
    request.open("POST", path);
    request.setRequestHeader("Authorization", `Bearer ${key}`);
    request.setRequestHeader("Idempotency-Key", item.word);
    request.setRequestHeader("Content-Type", item.file.type || "application/octet-stream");
    request.upload.onprogress = (event) => { alive(); item.done = event.total ? event.loaded / event.total : 0; told(); };
    request.onerror = request.onabort = broken;
    request.onload = async () => {
      clearTimeout(timer);
      if (request.status < 300) return done(JSON.parse(request.responseText));
      const headers = { "Retry-After": request.getResponseHeader("Retry-After") ?? "" };
      failed(await troubleOf(new Response(request.responseText, { status: request.status, headers })));
    };
    alive();
    request.send(item.file);
  });
}
