// Check a receipt of erasure here, in the browser, without asking who wrote it: its digest, and its signature.

import { call } from "./api.js";

const FORM = "avatar.receipt/2";

// The one string that a document has: sorted keys, no spaces. Receipts hold text, whole numbers, yes and no.
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}

const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const hexOf = (data) => Array.from(new Uint8Array(data), (byte) => byte.toString(16).padStart(2, "0")).join("");
const hash = async (text) => hexOf(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));

// Whether the digest fits the rest; null where this browser can not tell (WebCrypto needs https or this machine).
export async function digestFits(receipt) {
  if (!globalThis.crypto?.subtle) return null;
  const { digest, chain, signature, ...body } = receipt;
  return (await hash(canonical(body))) === digest;
}

// Whether the service's own key signed it, in its place in the chain; null where it carries no signature, or where this
// browser knows no Ed25519.
export async function signatureFits(receipt) {
  const { schema, chain, digest, signature } = receipt;
  if (schema !== FORM || !signature || !globalThis.crypto?.subtle) return null;
  const said = `${FORM}\n${chain.sequence}\n${chain.previous}\n${digest}\n`;
  if ((await hash(said)) !== chain.link) return false;
  const { kty, crv, x } = await call("/v1/receipts/key").then((told) => told.jwk ?? told);
  try {
    const key = await crypto.subtle.importKey("jwk", { kty, crv, x }, "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", key, bytes(signature.value), new TextEncoder().encode(said));
  } catch {
    return null;
  }
}
