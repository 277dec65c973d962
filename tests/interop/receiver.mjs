// A receiver of strangers: http-message-signatures of npm for RFC 9421, standardwebhooks of npm for v1, node:crypto for
// v1a and Content-Digest. It fetches the sender's keys itself. Law: nothing here is this project's; a line of JSON a request.
import { createHash, createPublicKey, verify } from "node:crypto";
import { createServer } from "node:http";
import httpMessageSignatures from "http-message-signatures";
import standardwebhooks from "standardwebhooks";

const [secret, jwks] = process.argv.slice(2);
const { createVerifier, httpbis } = httpMessageSignatures;

async function keys() {
  const answer = await fetch(jwks);
  return new Map((await answer.json()).keys.map((key) => [key.kid, createPublicKey({ key, format: "jwk" })]));
}

async function lookup({ keyid, alg }) {
  if (alg === "hmac-sha256") return { id: keyid, algs: [alg], verify: createVerifier(secret, alg) };
  const key = (await keys()).get(keyid);
  return key ? { id: keyid, algs: ["ed25519"], verify: createVerifier(key, "ed25519") } : null;
}

async function rfc9421(request, body) {
  const url = `http://${request.headers.host}${request.url}`;
  const fields = ["@method", "@target-uri", "content-type", "content-digest", "x-drone-event", "webhook-id"];
  const config = { keyLookup: lookup, requiredFields: fields, requiredParams: ["created", "keyid"], maxAge: 300 };
  const message = { method: request.method, url, headers: request.headers };
  if ((await httpbis.verifyMessage(config, message)) !== true) throw new Error("rfc9421");
  const digest = createHash("sha256").update(body).digest("base64");
  if (request.headers["content-digest"] !== `sha-256=:${digest}:`) throw new Error("content-digest");
  return /alg="([^"]+)"/.exec(request.headers["signature-input"])[1];
}

function v1(request, body) {
  new standardwebhooks.Webhook(Buffer.from(secret).toString("base64")).verify(body, request.headers);
  return "v1";
}

async function v1a(request, body) {
  const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": given } = request.headers;
  const text = Buffer.concat([Buffer.from(`${id}.${at}.`), body]);
  const known = [...(await keys()).values()];
  const signatures = given.split(" ").filter((one) => one.startsWith("v1a,"));
  const right = signatures.some((one) => known.some((key) => verify(null, text, key, Buffer.from(one.slice(4), "base64"))));
  if (!right) throw new Error("v1a");
  return "v1a";
}

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const by = [];
  let fault = "";
  try {
    if (request.headers["signature-input"]) by.push(await rfc9421(request, body));
    const standard = request.headers["webhook-signature"] ?? "";
    if (/(^| )v1,/.test(standard)) by.push(v1(request, body));
    if (/(^| )v1a,/.test(standard)) by.push(await v1a(request, body));
    if (by.length === 0) throw new Error("unsigned");
  } catch (error) {
    fault = String(error.message);
  }
  console.log(JSON.stringify({ path: request.url, id: request.headers["webhook-id"], by, fault }));
  response.writeHead(fault ? 401 : 204).end();
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
