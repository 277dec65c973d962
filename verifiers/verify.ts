// SPDX-License-Identifier: Apache-2.0
// Verify a webhook as Drone signs it: it is from a holder of the secret, whole and fresh.
//
// Copy this file into your project; Web Crypto is all it needs: Workers, Deno, Bun, Next.js, Node 20. With Request:
//
//     async fetch(request: Request, env: Env): Promise<Response> {
//       const body = await request.arrayBuffer();
//       const failure = await verify(request.headers, body, [env.DRONE_WEBHOOK_SECRET]);
//       return new Response(failure, { status: failure ? 401 : 200 });
//     }
//
// The same steps in the same order, and the same words, in every language; vectors.json holds them to it.

/** The word of the step that failed. */
export type Failure =
  | "missing-signature"
  | "malformed-signature"
  | "unknown-algorithm"
  | "digest-not-signed"
  | "missing-header"
  | "duplicate-header"
  | "wrong-signature"
  | "wrong-digest"
  | "malformed-date"
  | "stale-date";

export interface Options {
  /** Seconds since the epoch; the clock's where it is left out. */
  now?: number;
  /** How far from now Date may be, to either side: 300 where it is left out. */
  toleranceSeconds?: number;
}

type Sent = Map<string, string[]>;
type Signature = { algorithm: string; value: string; names: string[] };

const FIELD = /(\w+)="([^"]*)"([ \t]*,[ \t]*|$)/y;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const REQUIRED = ["keyId", "algorithm", "signature"];
const KNOWN = [...REQUIRED, "headers"];

/**
 * Null where all is right, else the word of the first step that failed.
 *
 * @param headers of the request, as pairs: a `Headers` is that
 * @param body as received, before anything reads or decodes it
 * @param secrets any of them may have signed: two while a secret is being changed; an empty one never matches
 */
export async function verify(
  headers: Iterable<readonly [string, string]>,
  body: BufferSource,
  secrets: readonly string[],
  { now = Date.now() / 1000, toleranceSeconds = 300 }: Options = {},
): Promise<Failure | null> {
  const sent: Sent = new Map();
  for (const [name, value] of headers) {
    sent.set(name.toLowerCase(), [...values(sent, name.toLowerCase()), value]);
  }
  const failure = (await checkSignature(sent, secrets)) ?? (await checkDigest(sent, body));
  return failure ?? checkDate(sent, now, toleranceSeconds);
}

async function checkSignature(sent: Sent, secrets: readonly string[]): Promise<Failure | null> {
  const text = signatureText(sent);
  if (text === null) return "missing-signature";
  const signature = parse(text);
  if (signature === null) return "malformed-signature";
  const { algorithm, value, names } = signature;
  if (algorithm !== "hmac-sha256") return "unknown-algorithm";
  if (!names.includes("digest")) return "digest-not-signed";
  const counts = names.map((name) => values(sent, name).length);
  if (Math.min(...counts) < 1) return "missing-header";
  if (Math.max(...counts) > 1) return "duplicate-header";
  const signed = names.map((name) => `${name}: ${values(sent, name)[0]}`).join("\n");
  const macs = await Promise.all(secrets.filter(Boolean).map((secret) => mac(secret, signed)));
  const matches = macs.map((right) => same(value, right));
  return matches.includes(true) ? null : "wrong-signature";
}

async function checkDigest(sent: Sent, body: BufferSource): Promise<Failure | null> {
  const right = "SHA-256=" + base64(await crypto.subtle.digest("SHA-256", body));
  return same(values(sent, "digest")[0] ?? "", right) ? null : "wrong-digest";
}

function checkDate(sent: Sent, now: number, toleranceSeconds: number): Failure | null {
  const date = seconds(values(sent, "date")[0] ?? "");
  if (date === null) return "malformed-date";
  return Math.abs(now - date) <= toleranceSeconds ? null : "stale-date";
}

function values(sent: Sent, name: string): string[] {
  return sent.get(name) ?? [];
}

/** The value of Signature, else of Authorization where its scheme is Signature; null for neither. */
function signatureText(sent: Sent): string | null {
  if (sent.has("signature")) return values(sent, "signature").join(",");
  const authorization = values(sent, "authorization").join(",");
  return /^signature( |$)/i.test(authorization) ? authorization.slice("signature ".length) : null;
}

/** Null where it is not well-formed. */
function parse(text: string): Signature | null {
  const fields = new Map<string, string>();
  FIELD.lastIndex = 0;
  for (let comma = ","; comma; ) {
    const [, name = "", value = "", next = ""] = FIELD.exec(text) ?? [];
    if (!KNOWN.includes(name) || fields.has(name)) return null;
    fields.set(name, value);
    comma = next;
  }
  const [algorithm = "", value = ""] = [fields.get("algorithm"), fields.get("signature")];
  const names = (fields.get("headers") ?? "date").toLowerCase().split(" ");
  const complete = REQUIRED.every((name) => fields.get(name));
  if (!complete || !isBase64(value) || !names.includes("date") || new Set(names).size < names.length) return null;
  return { algorithm, value, names };
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && BASE64.test(text);
}

function base64(value: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(value)));
}

async function mac(secret: string, text: string): Promise<string> {
  const [raw, data] = [new TextEncoder().encode(secret), new TextEncoder().encode(text)];
  const key = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return base64(await crypto.subtle.sign("HMAC", key, data));
}

/** Compared in constant time: how long it takes tells the length alone. */
function same(given: string, right: string): boolean {
  let difference = given.length ^ right.length;
  for (let at = 0; at < right.length; at++) difference |= given.charCodeAt(at) ^ right.charCodeAt(at);
  return difference === 0;
}

/** Of an IMF-fixdate (RFC 9110, 5.6.7), since the epoch; null for any other form, and for a day that never was. */
function seconds(date: string): number | null {
  const at = new Date(date);
  return at.toUTCString() === date && !isNaN(at.getTime()) ? at.getTime() / 1000 : null;
}

// The rest checks this file against the vectors: node verify.ts vectors.json. Leave it out of your project.

declare const process: { argv: string[]; cwd(): string } | undefined;

async function main(path: string): Promise<void> {
  const { default: cases } = await import(path, { with: { type: "json" } });
  for (const { name, headers, body_base64, secrets, now, tolerance } of cases) {
    const body = Uint8Array.from(atob(body_base64), (character) => character.charCodeAt(0));
    const failure = await verify(headers, body, secrets, { now, toleranceSeconds: tolerance });
    console.log(`${name}: ${failure ?? "ok"}`);
  }
}

if (typeof process !== "undefined" && import.meta.url === new URL(process.argv[1] ?? "", "file:").href) {
  await main(new URL(process.argv[2] ?? "", `file://${process.cwd()}/`).href);
}
