"""`POST /webhooks/…`: a forge tells of something, and packages are built for it.

Law: the secret first, in constant time, and nothing of the body before it. A wrong secret and a project that is not
there get the same answer, as late.
"""

import hmac

from aiohttp import web

from sidecar import forges
from sidecar.errors import Forbidden
from sidecar.inbound import reading
from sidecar.inbound.building import Delivery, receive
from sidecar.inbound.parts import PARTS, Parts
from sidecar.inbound.visit import VISIT, Visit
from sidecar.incoming import Registered
from sidecar.web.reading import JSON

KINDS = (JSON, "application/x-www-form-urlencoded")
LARGEST = 25 * 2**20
"""Bytes of a body: what GitHub and GitLab send at most."""

NOBODY = b"no project has this secret, which has as many characters"


async def post_webhook(request: web.Request) -> web.StreamResponse:
    """Verify, read, build."""
    parts, visit = request.app[PARTS], request[VISIT]
    project = await _admit(request, parts, visit)
    parts.gate.check()
    body = await reading.body(request, KINDS, LARGEST, parts.body_time, parts.pace)
    forge = forges.which(request.headers)
    visit.learn(forge=forge, kind=forges.event(forge, request.headers))
    visit.learn(signature=_judge(request, project, forge, body))
    delivery = Delivery(
        project=project,
        named=request.match_info.get("package", ""),
        once=forges.delivery(forge, request.headers, body),
        told=forges.read(forge, request.headers, body),
    )
    status, answer = await receive(parts, visit, delivery)
    return web.Response(body=answer, status=status, content_type=JSON)


async def _admit(request: web.Request, parts: Parts, visit: Visit) -> Registered:
    """The project, to whoever knows its secret. Raises `Forbidden`."""
    told = request.match_info
    given = told["secret"].encode(errors="surrogatepass")
    project = parts.projects.find(told["ownername"], told["projectname"])
    right = [secret.reveal() for secret in project.secrets(parts.clock.now())] if project else []
    known = True in [hmac.compare_digest(given, secret) for secret in right or [NOBODY]]
    if project:
        visit.learn(project=project.project.full_name, package=told.get("package", "")[:128])
    if project and right and known:
        return project
    visit.why = "another secret" if right else "no secret is generated yet" if project else "there is no such project"
    await parts.slow(request)
    raise Forbidden("there is no such project, or its secret is another: see `sidecar project generate`")


def _judge(request: web.Request, project: Registered, forge: str, body: bytes) -> str:
    """What was found of the forge's signature, for a person. Raises `Forbidden`."""
    parts, visit = request.app[PARTS], request[VISIT]
    own = tuple([secret.reveal() for secret in project.secrets(parts.clock.now())])
    keys = forges.Keys(own, tuple([key.reveal() for key in project.forge_keys.get(forge, ())]))
    match forges.verify(forge, request.headers, body, keys, now=parts.clock.wall()):
        case forges.Signed(header):
            return f"signed: {header}"
        case forges.Forged(reason):
            visit.learn(signature="wrong")
            raise Forbidden(reason)
        case forges.Unjudged(reason):
            found, way_out = f"not judged: {reason}", reason
        case forges.Unsigned():
            found, way_out = "not signed", "set the project's webhook secret at the forge, too"
    if parts.require_signature:
        visit.learn(signature=found)
        raise Forbidden(f"SIDECAR_REQUIRE_FORGE_SIGNATURE is set, and this is {found.partition(':')[0]}: {way_out}")
    return found
