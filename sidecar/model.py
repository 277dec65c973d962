"""The nouns: an Event happened; each Endpoint that wants it is owed a Delivery; each Attempt is judged into a Verdict.

Law: frozen values and nothing else. Every time is an int of milliseconds since the epoch unless its name says
otherwise; every span is an int of milliseconds. A secret has no repr.
"""

import hashlib
import hmac
from typing import Literal, final

from msgspec import Struct

State = Literal["pending", "delivering", "delivered", "dead"]
"""States of a delivery, as users see them. An engine stores no `delivering`: it is what is claimed and not yet
settled."""

EndpointState = Literal["active", "failing", "paused", "orphaned"]

FAR: int = 2**62
"""A time that never comes."""


@final
class Secret:
    """Key bytes that print as `***`. Compare and hash by value; read with `reveal()`."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(other._value, self._value)

    def __hash__(self) -> int:
        return hash(self._value)


class Instance(Struct, frozen=True):
    """Who the app is, where a dialect's body or headers name it.

    Attributes:
        proto, host: Drone's `DRONE_SERVER_PROTO` and `DRONE_SERVER_HOST`; "" where unset.
        app_url: `PAGURE_APP_URL`.
        launchpad_host: `LAUNCHPAD_HOST`.
        version: of this software, for `User-Agent`.
    """

    proto: str = ""
    host: str = ""
    app_url: str = ""
    launchpad_host: str = "launchpad.net"
    version: str = ""


class Endpoint(Struct, frozen=True):
    """Where events of one dialect go. `url` may hold user-info and a query: show `shown_url`, never `url`.

    Attributes:
        events: globs on the event's name; empty = all.
        refs: fnmatch patterns on the event's refs; empty = all.
        secrets: newest first. Required but for Launchpad's dialect, and where signing keys do for all its schemes.
        signing_keys: Ed25519, a PEM each, newest first.
        signatures: schemes, of `cavage rfc9421 standard hub`.
        timeout: one attempt, whole, in ms.
        concurrency: attempts in flight.
        rate: attempts started a second, 0 = unbounded.
        headers: added to every request.
    """

    name: str
    dialect: str
    url: str
    secrets: tuple[Secret, ...] = ()
    events: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ("cavage", "standard")
    skip_verify: bool = False
    ca_file: str = ""
    client_cert_file: str = ""
    signing_keys: tuple[Secret, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    timeout: int = 15_000
    concurrency: int = 16
    rate: float = 0.0

    @property
    def shown_url(self) -> str:
        """The URL without user-info, query and fragment."""
        scheme, _, rest = self.url.partition("://")
        authority, slash, path = rest.partition("#")[0].partition("?")[0].partition("/")
        return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"

    def __repr__(self) -> str:
        return f"Endpoint({self.name!r}, {self.dialect!r}, {self.shown_url!r})"

    def __rich_repr__(self) -> list[tuple[str, str]]:
        return [("name", self.name), ("dialect", self.dialect), ("url", self.shown_url)]


class Event(Struct, frozen=True, gc=False):
    """Something that happened, read and checked; its body is made once and is what every attempt sends.

    Attributes:
        id: the user's or ours: 1-128 of `[A-Za-z0-9_.-]`; `webhook-id` on the wire.
        name: in the dialect's own words, what its globs match: `build:created`, `issue.new`,
        `merge-proposal:0.1::push`.
        subject: order is kept within it: Drone's repo slug, else login; Pagure's project; Launchpad's target.
        fingerprint: of what was handed in; tells the same event again from another under the same id.
        accepted_at: when it was read.
        refs: git refs it speaks of, for ref filters.
        traceparent: W3C trace context, "" for none.
    """

    id: str
    dialect: str
    name: str
    subject: str
    body: bytes
    fingerprint: bytes
    accepted_at: int
    refs: tuple[str, ...] = ()
    traceparent: str = ""


class Posting(Struct, frozen=True, gc=False):
    """An event with the names of the endpoints it is owed to. `new`: its id was made for it just now, so that nobody
    can have handed it in before."""

    event: Event
    endpoints: tuple[str, ...]
    new: bool = False


class Owed(Struct, frozen=True, gc=False):
    """One delivery that came of a posting."""

    id: int
    endpoint: str


class Accepted(Struct, frozen=True, gc=False):
    """The event and all that it owes are on disk. `duplicate`: they were there before, and this posting added
    nothing."""

    event: str
    duplicate: bool
    deliveries: tuple[Owed, ...]


class Conflict(Struct, frozen=True, gc=False):
    """The id is known, with another fingerprint. Nothing was stored."""

    event: str


Added = Accepted | Conflict


class Claim(Struct, frozen=True, gc=False):
    """A delivery taken to be attempted; nobody else gets it until it is settled or the process ends.

    Attributes:
        delivery: its number, rising; the same on every retry.
        number: of the attempt about to be made, from 1, rising over resends.
        tries: how many waits of the schedule are used up.
        owed_since: when it became owed (again, after a resend).
        token: the engine's own, handed back in the settlement.
    """

    delivery: int
    endpoint: str
    event: Event
    number: int
    tries: int
    owed_since: int
    token: object = None


class Claimed(Struct, frozen=True):
    """What a claim brought, and when there may be more: a time, or `FAR`. `hold_until` is on the endpoint's flow clock
    (`Health.flow_at`), because a hold stands still while the endpoint does."""

    claims: tuple[Claim, ...]
    next_due: int = FAR
    hold_until: int = FAR


class Request(Struct, frozen=True, gc=False):
    """One POST, whole: what is signed is what is sent."""

    headers: tuple[tuple[str, str], ...]
    body: bytes


class Response(Struct, frozen=True, gc=False):
    """The receiver answered. `status` is any int the wire brought; `answer` is the first 2 KiB of its body."""

    status: int
    answer: bytes = b""
    retry_after: str = ""


class Unreachable(Struct, frozen=True, gc=False):
    """No whole answer came. `reason` is a word of `transport.REASONS`; `detail` is a sentence for a person, without
    secrets, query or user-info; `answer` is what came before it broke."""

    reason: str
    detail: str = ""
    status: int = 0
    answer: bytes = b""


Outcome = Response | Unreachable


Sign = Literal["won", "alive", "fault", "gone", "ours"]
"""What an outcome says of its endpoint: delivered; answered, but refused this delivery; failed by its own fault; wants
no more; or nothing, because the failure was this machine's."""


class Attempt(Struct, frozen=True, gc=False):
    """One POST that was made. `duration` is in microseconds."""

    number: int
    started_at: int
    duration: int
    outcome: Outcome


class Delivered(Struct, frozen=True, gc=False):
    """2xx."""


class RetryAt(Struct, frozen=True, gc=False):
    """Try again at `due`. `counted`: it uses up a wait of the schedule (a probe, or a 410, does not)."""

    due: int
    counted: bool = True


class Dead(Struct, frozen=True, gc=False):
    """No more attempts by itself. `reason`: `refused`, `exhausted` or `expired`."""

    reason: str


Verdict = Delivered | RetryAt | Dead


class Health(Struct, frozen=True):
    """What is known of an endpoint; written with the attempt that changed it, so it survives a restart.

    Attributes:
        state: `orphaned` is never stored: it is what has no configuration.
        since: when the state began.
        reason: why it is paused or failing, for a person.
        failures: in a row, the endpoint's own.
        wait: ms between probes, while failing.
        not_before: no attempt starts earlier (next probe, or the receiver's Retry-After).
        allowed: attempts in flight while it recovers; 0 = as configured.
        grown_at: when `allowed` was last set.
        flow: ms for which events could flow, up to `flow_from`; holds are counted on this clock.
        flow_from: when the flow clock runs on; `FAR` = it stands still.
        told_until: when the receiver's own Retry-After ends; a recovery does not shorten it.
        releasing: what failed through the endpoint is still being made due.
        ages_from: ages of what is owed count from here at the earliest: when it was resumed, or last seen orphaned.
        version: rises with each change that is kept; of two, the later one counts.
        healthy_until: the last success before it last began to fail, or was paused; 0 for none.
    """

    state: Literal["active", "failing", "paused"] = "active"
    since: int = 0
    reason: str = ""
    failures: int = 0
    last_failure: int = 0
    last_success: int = 0
    wait: int = 0
    not_before: int = 0
    allowed: int = 0
    grown_at: int = 0
    flow: int = 0
    flow_from: int = 0
    told_until: int = 0
    releasing: bool = False
    ages_from: int = 0
    version: int = 0
    healthy_until: int = 0

    def flow_at(self, now: int) -> int:
        """The endpoint's flow clock at `now`, in ms: it stands still while the endpoint is failing, paused or told to
        wait."""
        return self.flow + max(0, now - self.flow_from)


class Settlement(Struct, frozen=True):
    """Attempt and verdict, written together or not at all; with the endpoint's health where it changed.

    Attributes:
        fault: the failure was the endpoint's own; such deliveries are due at once when it is back.
        flow: the endpoint's flow clock at the verdict.
        at: when the verdict fell.
    """

    claim: Claim
    attempt: Attempt
    verdict: Verdict
    at: int
    flow: int
    fault: bool = False
    health: Health | None = None


class Counts(Struct, frozen=True):
    """Deliveries of one endpoint by stored state, and the oldest that is owed (0 for none)."""

    pending: int = 0
    delivered: int = 0
    dead: int = 0
    oldest: int = 0


class AttemptLog(Struct, frozen=True):
    """An attempt as kept: `status` 0 where no answer came; `reason` "" where a whole one did, else its word, a colon
    and the detail."""

    number: int
    started_at: int
    duration: int
    status: int
    reason: str
    answer: bytes


class DeliveryLog(Struct, frozen=True):
    """A delivery as kept. `held_by`: the earlier delivery of its subject that it waits for, 0 for none; `hold_until`:
    on the endpoint's flow clock; `due`: the next attempt, for a pending one; `behind`: the delivery of its subject that
    goes first, 0 for none."""

    id: int
    endpoint: str
    event: str
    dialect: str
    name: str
    subject: str
    state: State
    attempts: int
    tries: int
    created_at: int
    due: int
    finished_at: int
    reason: str
    status: int
    held_by: int = 0
    hold_until: int = 0
    behind: int = 0


class Query(Struct, frozen=True):
    """Which deliveries to list, newest first. Empty and 0 mean any; `after` is the cursor: only smaller numbers.
    `since` and `until` bound the time of acceptance. `state` "delivering" and "pending" need `in_flight`."""

    endpoint: str = ""
    state: str = ""
    event: str = ""
    subject: str = ""
    since: int = 0
    until: int = 0
    limit: int = 100
    after: int = 0
    in_flight: frozenset[int] = frozenset()


def fingerprint(*parts: bytes) -> bytes:
    """16 bytes that tell one input from another; parts are kept apart by their lengths."""
    lengths = " ".join([str(len(part)) for part in parts]).encode()
    return hashlib.blake2b(b"\0".join((lengths, *parts)), digest_size=16).digest()
