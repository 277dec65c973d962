// Checks a Drone request with Node's crypto: node verify_cavage.js KEY HEADERS BODY, the last two being files; exits 0, or 1
// and says why. Law: knows the wire format alone; nothing of the sidecar is used here.
"use strict";
const { createHash, createHmac, timingSafeEqual } = require("node:crypto");
const { readFileSync } = require("node:fs");

const [key, headersFile, bodyFile] = process.argv.slice(2);
const body = readFileSync(bodyFile);
const headers = new Map();
for (const line of readFileSync(headersFile, "latin1").split(/\r?\n/).filter(Boolean)) {
  const at = line.indexOf(":");
  headers.set(line.slice(0, at).toLowerCase(), line.slice(at + 1).trim());
}

function refuse(why) {
  console.error(why);
  process.exit(1);
}

const fields = Object.fromEntries([...(headers.get("signature") ?? "").matchAll(/(\w+)="([^"]*)"/g)].map((m) => [m[1], m[2]]));
if (fields.algorithm !== "hmac-sha256") refuse("the algorithm is not hmac-sha256");
const names = (fields.headers ?? "date").split(" ");
if (!names.includes("date") || !names.includes("digest")) refuse("Date or Digest is not signed");

const digest = "SHA-256=" + createHash("sha256").update(body).digest("base64");
if (headers.get("digest") !== digest) refuse("Digest is not the body's");

const text = names.map((name) => `${name}: ${headers.get(name)}`).join("\n");
const wanted = Buffer.from(createHmac("sha256", key).update(text, "latin1").digest("base64"));
const found = Buffer.from(fields.signature ?? "");
if (wanted.length !== found.length || !timingSafeEqual(wanted, found)) refuse("Signature is wrong");
