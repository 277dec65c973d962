"""What `SIDECAR_LISTEN` serves, a row each.

Law: a row for each of its routes (the last slash may be left out), and a problem for each that its handler may raise.
"""

from msgspec import Struct

from sidecar import errors
from sidecar.forges import FORGES
from sidecar.inbound.building import Answer
from sidecar.model import Owed
from sidecar.openapi.operation import Operation, Parameter, Problems, Reply
from sidecar.openapi.schemas import ID, NAME, TEXT, Schema, event_of
from sidecar.web.problems import TooSlow
from sidecar.web.reading import JSON

FORM = "application/x-www-form-urlencoded"


class Relayed(Struct, omit_defaults=True):
    """What became of an event that was handed on; of a ping, only the reason why it goes no further."""

    id: str = ""
    duplicate: bool = False
    deliveries: list[Owed] = []
    reason: str = ""


REFUSED: Problems = (
    errors.Malformed,
    errors.Forbidden,
    errors.TooLarge,
    errors.WrongType,
    errors.NotAnEvent,
    errors.Unavailable,
    TooSlow,
)
PROJECT = (
    Parameter("ownername", "path", NAME, "A user, or `@group`."),
    Parameter("projectname", "path", NAME, "The project's name."),
    Parameter("secret", "path", NAME, "The project's webhook secret."),
)
PACKAGE = Parameter("package", "path", NAME, "The package to build, and no other.")

EVENTS = {
    "github": ("push", "create", "delete", "pull_request", "ping"),
    "gitea": ("push", "create", "delete", "pull_request"),
    "gitlab": ("Push Hook", "Tag Push Hook", "Merge Request Hook"),
    "bitbucket": ("repo:push", "pullrequest:created", "pullrequest:updated"),
    "pagure": (
        *("git.receive", "git.tag.creation", "pull-request.new", "pull-request.updated", "pull-request.rebased"),
    ),
}
FORGE_HEADERS = tuple(
    Parameter(
        forge.TELLS[0],
        "header",
        {**TEXT, "examples": list(EVENTS[name])},
        f"{forge.TITLE}'s; there is one of these, as it tells which forge this is.",
    )
    for name, forge in FORGES.items()
)
BODY: Schema = {"type": "object", "description": "What the forge documents for the event."}
IN_A_FORM: Schema = {
    "type": "object",
    "required": ["payload"],
    "properties": {"payload": {"type": "string", "contentMediaType": JSON}},
}
PUSH = {
    "ref": "refs/heads/main",
    "before": "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
    "after": "9049f1265b7d61be4a8904a9a27120d2064dab3b",
    "commits": [{"id": "9049f1265b7d61be4a8904a9a27120d2064dab3b", "added": ["nano.spec"]}],
    "repository": {"full_name": "rpms/nano", "clone_url": "https://github.com/rpms/nano.git"},
    "sender": {"login": "ana"},
}
REPLIES = (
    Reply(202, "Built: each build is an event on disk. The same delivery again is answered alike.", Answer),
    Reply(200, "Nothing is built, and why.", Answer),
)

INBOUND: tuple[Operation, ...] = (
    Operation(
        method="POST",
        path="/webhooks/{ownername}/{projectname}/{secret}/",
        summary="A forge tells of a push or a pull request.",
        tag="listen",
        server="listen",
        parameters=(*PROJECT, *FORGE_HEADERS),
        bodies={JSON: BODY, FORM: IN_A_FORM},
        example=PUSH,
        replies=REPLIES,
        problems=REFUSED,
    ),
    Operation(
        method="POST",
        path="/webhooks/{ownername}/{projectname}/{secret}/{package}/",
        summary="The same, for one package.",
        tag="listen",
        server="listen",
        parameters=(*PROJECT, PACKAGE, *FORGE_HEADERS),
        bodies={JSON: BODY, FORM: IN_A_FORM},
        example=PUSH,
        replies=REPLIES,
        problems=REFUSED,
    ),
    Operation(
        method="POST",
        path="/hooks/drone",
        summary="A Drone server, or another sidecar, hands on an event.",
        tag="listen",
        server="listen",
        parameters=(
            Parameter("Date", "header", TEXT, "At most five minutes from now."),
            Parameter("Digest", "header", TEXT, "`SHA-256=` and the body's, in base64."),
            Parameter("Signature", "header", TEXT, "draft-cavage-http-signatures, over Date and Digest."),
            Parameter("webhook-id", "header", ID, "The event's id, as sidecars send it."),
        ),
        bodies={JSON: {"anyOf": [event_of("drone"), {"const": {"event": "ping", "action": ""}}]}},
        replies=(
            Reply(202, "On disk, with all that it owes.", Relayed),
            Reply(200, "A ping: signed rightly, and handed on to nobody.", Relayed),
        ),
        problems=(*REFUSED, errors.Conflicting),
    ),
)
