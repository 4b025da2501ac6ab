// The verification of the README, run as it stands there: node verify.mjs RECEIPT KEY_IN_HEX
import { readFile } from "node:fs/promises";

// begin
const canonical = (v) => Array.isArray(v) ? `[${v.map(canonical).join()}]`
  : v && typeof v === "object" ? `{${Object.keys(v).sort().map((k) => `${JSON.stringify(k)}:${canonical(v[k])}`).join()}}`
  : JSON.stringify(v);
const hex = (b) => [...new Uint8Array(b)].map((n) => n.toString(16).padStart(2, "0")).join("");
const bytes = (h) => Uint8Array.from(h.match(/../g), (n) => parseInt(n, 16));
const sha = async (text) => hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));

async function holds(receipt, publicKeyHex) {
  const { digest, chain, signature, ...body } = receipt;
  const said = `avatar.receipt/2\n${chain.sequence}\n${chain.previous}\n${digest}\n`;
  const key = await crypto.subtle.importKey("raw", bytes(publicKeyHex), "Ed25519", false, ["verify"]);
  return (await sha(canonical(body))) === digest && (await sha(said)) === chain.link
    && crypto.subtle.verify("Ed25519", key, bytes(signature.value), new TextEncoder().encode(said));
}
// end

console.log(await holds(JSON.parse(await readFile(process.argv[2], "utf8")), process.argv[3]));
