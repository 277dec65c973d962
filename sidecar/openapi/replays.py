"""Replays over the socket, a row each. Law: as in socket.py."""

from sidecar import errors
from sidecar.api.replays import ReplaysView, ReplayView, Wanted
from sidecar.openapi.operation import Operation, Parameter, Reply, one_page
from sidecar.web.problems import TooSlow
from sidecar.web.reading import JSON

REPLAY_ID = Parameter("id", "path", {"type": "integer", "minimum": 1}, "The replay's number.")

REPLAYS: tuple[Operation, ...] = (
    Operation(
        method="POST",
        path="/replays",
        summary="Send finished deliveries again, by a job.",
        tag="replays",
        bodies={JSON: Wanted},
        is_body_needed=False,
        example={"since": "2h", "states": ["dead"]},
        replies=(Reply(202, "The job is stored.", ReplayView),),
        problems=(
            errors.NotFound,
            errors.Malformed,
            errors.Conflicting,
            errors.TooLarge,
            errors.WrongType,
            errors.Unavailable,
            TooSlow,
        ),
    ),
    Operation(
        method="GET",
        path="/replays",
        summary="List replays, newest first.",
        tag="replays",
        parameters=one_page("after", "The `next` of the page before."),
        replies=(Reply(200, "A page of them.", ReplaysView),),
        problems=(errors.Malformed,),
    ),
    Operation(
        method="GET",
        path="/replays/{id}",
        summary="Show a replay, and how far it came.",
        tag="replays",
        parameters=(REPLAY_ID,),
        replies=(Reply(200, "The replay.", ReplayView),),
        problems=(errors.NotFound,),
    ),
    Operation(
        method="DELETE",
        path="/replays/{id}",
        summary="Cancel a replay.",
        tag="replays",
        parameters=(REPLAY_ID,),
        replies=(Reply(200, "The replay.", ReplayView),),
        problems=(errors.NotFound, errors.Unavailable),
    ),
)
