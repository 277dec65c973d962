"""What we raise on purpose.

Law: expected failure of the network is a value (`model.Outcome`), never an exception. What stands here is raised
where a caller handed us something wrong, or where the house itself cannot go on; each kind says who is to blame.
"""

from typing import ClassVar


class SidecarError(Exception):
    """Anything this project raises on purpose."""


class Problem(SidecarError):
    """A request that is answered with RFC 9457 problem details.

    Attributes:
        status: HTTP status of the answer.
        title: the kind of problem, the same for every occurrence.
        detail: what is wrong here and the way out, for a person.
        pointer: RFC 6901 JSON Pointer to the member at fault, "" where none is.
        retry_after: seconds for the `Retry-After` header, 0 for none.
    """

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str, *, pointer: str = "", retry_after: int = 0) -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer
        self.retry_after = retry_after


class Malformed(Problem):
    """The body is not what its content type says."""

    status = 400
    title = "Malformed request"


class Unauthorized(Problem):
    """The token of the admin listener is missing, or another."""

    status = 401
    title = "Token needed"


class Forbidden(Problem):
    """Whoever asks may not do this here, or not in this way."""

    status = 403
    title = "Forbidden"


class NotFound(Problem):
    """No such event, delivery, endpoint or route."""

    status = 404
    title = "Not found"


class MethodNotAllowed(Problem):
    """The route exists; the method does not."""

    status = 405
    title = "Method not allowed"


class Conflicting(Problem):
    """The id is known, with another body."""

    status = 409
    title = "Conflict"


class TooLarge(Problem):
    """The event is larger than `SIDECAR_MAX_EVENT_SIZE`."""

    status = 413
    title = "Content too large"


class WrongType(Problem):
    """The content type is none we read."""

    status = 415
    title = "Unsupported media type"


class Misdirected(Problem):
    """The `Host` header names a host that is not served here."""

    status = 421
    title = "Misdirected request"


class NotAnEvent(Problem):
    """JSON, but not an event: a member is missing, unknown, or of the wrong type."""

    status = 422
    title = "Not an event"


class TooManyTries(Problem):
    """So many wrong tokens are waiting for their answer that this one is not kept."""

    status = 429
    title = "Too many tries"


class Unavailable(Problem):
    """Outbox full, disk full, or draining: nothing was taken; try again later."""

    status = 503
    title = "Not taking events"


class NoSpace(SidecarError):
    """The disk is full. The transaction is rolled back; the process stays up."""


class OutboxBroken(SidecarError):
    """A write or an fsync failed for good, or the file is damaged. Never retried: the process says so and exits 1."""


class RegistryBroken(SidecarError):
    """What is kept beside the outbox cannot be read, written or used; the message names the file and the way out."""


class Occupied(SidecarError):
    """Another live process holds the socket or the data directory."""


class Misconfigured(SidecarError):
    """One or more settings are at fault; `faults` has a line for each: the variable, what is wrong, how to mend it."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults
