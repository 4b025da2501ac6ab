// Watch a job until it ends: pushed events where they come through, else asking every few seconds. It never gives up:
// a network that is away and a service that is restarted are waited for, and each look brings the whole state.

import { call, rest, Trouble } from "./api.js";

const SILENCE = 25; // seconds without a byte, after which the stream is taken for dead; the service speaks every 15
const FIRST = 6; // seconds for the first event; whatever stands between us and holds it back would hold the next as well
const ENDED = ["done", "refused", "failed", "cancelled"];
const EVERY = 3; // seconds between two looks where nothing is pushed

export const over = (job) => ENDED.includes(job.state);

// `seen` is told {job, photos} at each change, `away` whether the service can not be reached. Ends when the job did.
export async function watch(job, key, { seen, away, signal }) {
  let pushed = true;
  for (let wait = 1; !signal.aborted; wait = Math.min(wait * 2, 15)) {
    try {
      const last = pushed ? await listen(job, key, (state) => { wait = 1; away(false); seen(state); }, signal) : await look(job, key, signal);
      if (!last) { pushed = false; continue; } // connected, and nothing came through
      away(false);
      if (!pushed) seen(last);
      if (over(last.job)) return last;
      await rest(pushed ? 1 : EVERY, signal); // a stream ends after half an hour, or with its service
    } catch (error) {
      if (signal.aborted) return null;
      if (error instanceof Trouble && error.status && error.status < 500 && error.status !== 429) throw error;
      away(true);
      await rest(wait, signal).catch(() => {});
    }
  }
  return null;
}

async function look(job, key, signal) {
  const [now, photos] = await Promise.all([call(`/v1/jobs/${job}`, { key, signal }), call(`/v1/jobs/${job}/photos`, { key, signal })]);
  return { job: now, photos };
}

// The last state that was pushed; null where the stream opened and stayed silent. An error where it broke off.
async function listen(job, key, seen, signal) {
  const ours = new AbortController();
  const stop = () => ours.abort();
  signal.addEventListener("abort", stop);
  let last = null, timer = setTimeout(stop, FIRST * 1000);
  try {
    const answer = await call(`/v1/jobs/${job}/events`, { key, signal: ours.signal, raw: true });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ; ) {
      const { value, done } = await reader.read();
      if (done) break;
      clearTimeout(timer);
      timer = setTimeout(stop, (last ? SILENCE : FIRST) * 1000);
      const parts = (rest + value).split("\n\n");
      rest = parts.pop();
      for (const part of parts) {
        const data = part.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
        if (data) seen((last = JSON.parse(data)));
      }
    }
  } catch (error) {
    if (error.name === "AbortError" && !signal.aborted && !last) return null;
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
  return last;
}
