"""`/.well-known/jwks.json`: the public halves of the signing keys, as a JWK Set (RFC 7517). Law: nothing private is
read from a key here but its public half."""

from aiohttp import web

from sidecar.api.answers import answer
from sidecar.api.parts import PARTS

TYPE = "application/jwk-set+json"
FRESH = "public, max-age=300"
"""How long a receiver need not ask again: a new key is published longer before it is used."""


async def jwks(request: web.Request) -> web.StreamResponse:
    """Every key once, newest first, in the order of the endpoints."""
    endpoints = request.app[PARTS].endpoints.values()
    pems = dict.fromkeys(key.reveal() for one in endpoints for key in one.signing_keys)
    keys = []
    if pems:
        from sidecar.signing import ed25519  # noqa: PLC0415 - optional: where there is a key

        keys = [ed25519.jwk(pem) for pem in pems]
    answered = answer({"keys": keys})
    answered.content_type = TYPE
    answered.headers["Cache-Control"] = FRESH
    return answered
