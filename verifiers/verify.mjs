// SPDX-License-Identifier: Apache-2.0
// Verify a webhook as Drone signs it: it is from a holder of the secret, whole and fresh.
//
// Copy this file into your project; Node 18.3 or later, nothing else is needed. With node:http, and Express alike:
//
//     createServer(async (request, response) => {
//       const body = Buffer.concat(await request.toArray());
//       const failure = verify(request.headersDistinct, body, [process.env.DRONE_WEBHOOK_SECRET]);
//       response.writeHead(failure ? 401 : 204).end();
//     });
//
// The same steps in the same order, and the same words, in every language; vectors.json holds them to it.

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync, realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FIELD = /(\w+)="([^"]*)"([ \t]*,[ \t]*|$)/y;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const REQUIRED = ["keyId", "algorithm", "signature"];
const KNOWN = [...REQUIRED, "headers"];

/**
 * Null where all is right, else the word of the first step that failed.
 *
 * @param {Record<string, string | string[] | undefined>} headers of the request: `request.headersDistinct`
 * @param {Uint8Array} body as received, before anything reads or decodes it
 * @param {string[]} secrets any of them may have signed: two while one is being changed; an empty one never matches
 * @param {{now?: number, toleranceSeconds?: number}} options now, in seconds since the epoch, and how far from it Date
 *   may be, to either side
 * @returns {string | null}
 */
export function verify(headers, body, secrets, { now = Date.now() / 1000, toleranceSeconds = 300 } = {}) {
  const sent = new Map();
  for (const [name, values] of Object.entries(headers)) {
    sent.set(name.toLowerCase(), [...(sent.get(name.toLowerCase()) ?? []), ...[values ?? []].flat()]);
  }
  return checkSignature(sent, secrets) ?? checkDigest(sent, body) ?? checkDate(sent, now, toleranceSeconds);
}

function checkSignature(sent, secrets) {
  const text = signatureText(sent);
  if (text === null) return "missing-signature";
  const signature = parse(text);
  if (signature === null) return "malformed-signature";
  const { algorithm, value, names } = signature;
  if (algorithm !== "hmac-sha256") return "unknown-algorithm";
  if (!names.includes("digest")) return "digest-not-signed";
  const counts = names.map((name) => sent.get(name)?.length ?? 0);
  if (Math.min(...counts) < 1) return "missing-header";
  if (Math.max(...counts) > 1) return "duplicate-header";
  const signed = names.map((name) => `${name}: ${sent.get(name)[0]}`).join("\n");
  const matches = secrets.filter(Boolean).map((secret) => same(value, mac(secret, signed)));
  return matches.includes(true) ? null : "wrong-signature";
}

function checkDigest(sent, body) {
  const right = "SHA-256=" + createHash("sha256").update(body).digest("base64");
  return same(sent.get("digest")[0], right) ? null : "wrong-digest";
}

function checkDate(sent, now, toleranceSeconds) {
  const date = seconds(sent.get("date")[0]);
  if (date === null) return "malformed-date";
  return Math.abs(now - date) <= toleranceSeconds ? null : "stale-date";
}

/** The value of Signature, else of Authorization where its scheme is Signature; null for neither. */
function signatureText(sent) {
  if (sent.has("signature")) return sent.get("signature").join(",");
  const authorization = (sent.get("authorization") ?? []).join(",");
  return /^signature( |$)/i.test(authorization) ? authorization.slice("signature ".length) : null;
}

/** Null where it is not well-formed. */
function parse(text) {
  const fields = new Map();
  FIELD.lastIndex = 0;
  for (let comma = ","; comma; ) {
    const field = FIELD.exec(text);
    if (!field || !KNOWN.includes(field[1]) || fields.has(field[1])) return null;
    fields.set(field[1], field[2]);
    comma = field[3];
  }
  const value = fields.get("signature") ?? "";
  const names = (fields.get("headers") ?? "date").toLowerCase().split(" ");
  const complete = REQUIRED.every((name) => fields.get(name));
  if (!complete || !isBase64(value) || !names.includes("date") || new Set(names).size < names.length) return null;
  return { algorithm: fields.get("algorithm"), value, names };
}

function isBase64(text) {
  return text.length % 4 === 0 && BASE64.test(text);
}

function mac(secret, text) {
  return createHmac("sha256", secret).update(text).digest("base64");
}

/** Compared in constant time. */
function same(given, right) {
  const [one, other] = [Buffer.from(given), Buffer.from(right)];
  return one.length === other.length && timingSafeEqual(one, other);
}

/** Of an IMF-fixdate (RFC 9110, 5.6.7), since the epoch; null for any other form, and for a day that never was. */
function seconds(date) {
  const at = new Date(date);
  return at.toUTCString() === date && !isNaN(at) ? at.getTime() / 1000 : null;
}

// The rest checks this file against the vectors: node verify.mjs vectors.json. Leave it out of your project.

function main([path]) {
  for (const { name, headers, body_base64, secrets, now, tolerance } of JSON.parse(readFileSync(path, "utf8"))) {
    const distinct = {};
    for (const [header, value] of headers) (distinct[header] ??= []).push(value);
    const options = { now, toleranceSeconds: tolerance };
    const failure = verify(distinct, Buffer.from(body_base64, "base64"), secrets, options);
    console.log(`${name}: ${failure ?? "ok"}`);
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
