// Calls to the service: the same API as everyone's, under the key of one job. A failure is a `Trouble` with a code.

export class Trouble extends Error {
  // `fault` is "client", "service" or "network"; `after` is in seconds, where the service said when to come back.
  constructor(told, after = 0) {
    super(told.detail ?? told.code);
    Object.assign(this, { code: told.code, detail: told.detail, remedy: told.remedy, fault: told.fault, status: told.status, after });
  }
}

export const offline = () => new Trouble({ code: "offline", fault: "network" });

export async function troubleOf(answer) {
  const after = Number(answer.headers.get("Retry-After")) || 0;
  try {
    return new Trouble(await answer.json(), after);
  } catch {
    return new Trouble({ code: answer.status >= 500 ? "fault" : "error", status: answer.status, fault: answer.status >= 500 ? "service" : "client" }, after);
  }
}

export async function call(path, { key, method = "GET", body, signal, raw = false } = {}) {
  const headers = {};
  if (key) headers.Authorization = `Bearer ${key}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal, cache: "no-store", credentials: "omit" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw offline();
  }
  if (!answer.ok) throw await troubleOf(answer);
  if (raw) return answer;
  return answer.status === 204 ? null : answer.json();
}

// Call until it is answered: a network that is away, and a service that is being restarted, are waited for.
export async function insist(path, options = {}, told = () => {}) {
  for (let wait = 1; ; wait = Math.min(wait * 2, 15)) {
    try {
      return await call(path, options);
    } catch (error) {
      if (!(error instanceof Trouble) || (error.fault !== "network" && error.status < 500)) throw error;
      told(error);
      await rest(error.after || wait, options.signal);
    }
  }
}

// Wait so many seconds, or less if the network comes back meanwhile.
export function rest(seconds, signal) {
  return new Promise((done, left) => {
    const end = () => { clearTimeout(timer); removeEventListener("online", end); done(); };
    const timer = setTimeout(end, seconds * 1000);
    addEventListener("online", end);
    signal?.addEventListener("abort", () => { end(); left(signal.reason); }, { once: true });
  });
}
