"""What is handed in, in the form Drone posts, becomes an event; or is refused, with the member at fault.

Law: pure. Resources are forwarded byte for byte, so nothing is taken that is not JSON throughout. The body has its keys
in Drone's order and is compact outside the resources.
"""

import re
from functools import lru_cache
from typing import TypeVar

from msgspec import DecodeError, Raw, Struct, ValidationError, json

from sidecar.dialects._drone_resources import Build, Repo, System, User
from sidecar.dialects._faults import malformed, misfit, no_event, repeated, twice, unknown
from sidecar.dialects._reading import CONTROL, ID
from sidecar.errors import NotAnEvent
from sidecar.model import Event, Instance, fingerprint

ACTIONS = {
    "user": ("created", "updated", "deleted"),
    "repo": ("enabled", "disabled", "updated", "deleted"),
    "build": ("created", "updated"),
}
FORM = "of the form Drone posts"
HEADS = {
    (event, action): f'{{"event":"{event}","action":"{action}"'.encode()
    for event, actions in ACTIONS.items()
    for action in actions
}
"""How a body begins."""

FITS = {
    "user": {(True, False, False)},
    "repo": {(False, True, False), (True, True, False)},
    "build": {(False, True, True), (True, True, True)},
}
"""Which of user, repo and build there are."""

NEEDED = {"user": ("user",), "repo": ("repo",), "build": ("repo", "build")}
KEY = {"user": "login", "repo": "slug", "build": "number"}
"""What a resource is known by."""

QUOTED = {resource: re.compile(b'"%b"' % key.encode()) for resource, key in KEY.items()}
"""For counting: four times as quick as `bytes.count`."""

SPELLED = (rb"\u006", rb"\u007")
"""How the escapes of small letters begin: a name may be written with them."""

EVENT, ACTION, IDENTITY, USER, REPO, BUILD, SYSTEM = map(
    len, ('"event":"",', '"action":"",', '"id":"",', '"user":,', '"repo":,', '"build":,', '"system":,')
)
T = TypeVar("T")


class Given(Struct, forbid_unknown_fields=True, gc=False):
    """An event as handed in. Resources are the bytes that came, empty where there are none."""

    event: str | None = None
    action: str | None = None
    user: Raw = Raw()
    repo: Raw = Raw()
    build: Raw = Raw()
    system: Raw = Raw()
    id: str | None = None


_given = json.Decoder(Given)
_user = json.Decoder(User)
_repo = json.Decoder(Repo)
_build = json.Decoder(Build)
_system = json.Decoder(System)


def read(raw: bytes, *, id: str, now: int, instance: Instance, traceparent: str = "") -> Event:
    """The event that `raw` tells of; under `id` where it names none. Raises `Malformed` or `NotAnEvent`."""
    try:
        raw.decode()  # what msgspec skips it checks for everything but this
        return _event(raw, _given.decode(raw), id=id, now=now, instance=instance, traceparent=traceparent)
    except ValidationError as error:
        raise no_event(error, raw, Given.__struct_fields__, FORM) from None
    except (UnicodeDecodeError, DecodeError, RecursionError) as error:
        raise malformed(error, raw) from None


def _event(raw: bytes, given: Given, *, id: str, now: int, instance: Instance, traceparent: str) -> Event:
    user, repo, build, system = [_present(part) for part in (given.user, given.repo, given.build, given.system)]
    has = (bool(user), bool(repo), bool(build))
    event, action = given.event or _told_by(*has), given.action or ""
    head = HEADS.get((event, action))
    if head is None or has not in FITS[event]:
        raise _misnamed(event, action, has)
    if given.id is not None and not ID.fullmatch(given.id):
        raise NotAnEvent("id: an event's id is 1 to 128 of A-Z a-z 0-9 _ . -", pointer="/id")
    if len(raw) != _compact(given) and (name := repeated(raw)):
        raise twice(name)
    subject, refs = _told(event, user, repo, build)
    if system:
        _decoded(_system, system, "system")
    return Event(
        id=given.id or id,
        dialect="drone",
        name=f"{event}:{action}",
        subject=subject,
        body=_body(head, user, repo, build, system or _own_system(instance.proto, instance.host)),
        fingerprint=fingerprint(head, user, repo, build, system),
        accepted_at=now,
        refs=refs,
        traceparent=traceparent,
    )


def _present(part: Raw) -> bytes:
    """The bytes; none where there is a null."""
    raw = bytes(part)
    return b"" if raw == b"null" else raw


def _told_by(user: bool, repo: bool, build: bool) -> str:
    return "build" if build else "repo" if repo else "user" if user else ""


def _told(event: str, user: bytes, repo: bytes, build: bytes) -> tuple[str, tuple[str, ...]]:
    """Subject and refs; the resources are checked on the way."""
    login = slug = ref = ""
    if user:
        login = _known_by(_decoded(_user, user, "user").login, "user", user, needed=event == "user")
    if repo:
        slug = _known_by(_decoded(_repo, repo, "repo").slug, "repo", repo)
    if build:
        made = _decoded(_build, build, "build")
        if made.number is None:
            raise _lacking("build")
        _check_once(build, "build", made.numbered())
        ref = made.ref or ""
    return slug or login, (ref,) if ref else ()


def _decoded(decoder: json.Decoder[T], raw: bytes, name: str) -> T:
    try:
        return decoder.decode(raw)
    except ValidationError as error:
        raise misfit(error, name) from None


def _known_by(key: str | None, resource: str, raw: bytes, *, needed: bool = True) -> str:
    if key:
        _check_once(raw, resource, 1)
        if not key.isprintable() and CONTROL.search(key):
            place = f"{resource}.{KEY[resource]}"
            raise NotAnEvent(f"{place} has a control character in it", pointer="/" + place.replace(".", "/"))
    elif needed:
        raise _lacking(resource)
    return key or ""


def _check_once(raw: bytes, resource: str, count: int) -> None:
    """The resource has its key once: it is there `count` times in all, or else a slower look finds it once."""
    escaped = b"\\" in raw and (SPELLED[0] in raw or SPELLED[1] in raw)
    if (escaped or len(QUOTED[resource].findall(raw)) != count) and repeated(raw, KEY[resource]):
        raise twice(resource, KEY[resource])


def _compact(given: Given) -> int:
    """How long the event is where no member is given twice, no name is escaped and nothing is spaced out: whatever is
    longer needs a closer look, and nothing can be shorter."""
    size = 1
    for overhead, value in (
        (EVENT, given.event),
        (ACTION, given.action),
        (IDENTITY, given.id),
        (USER, given.user),
        (REPO, given.repo),
        (BUILD, given.build),
        (SYSTEM, given.system),
    ):
        if value:
            size += overhead + len(value)
    return size


def _body(head: bytes, user: bytes, repo: bytes, build: bytes, system: bytes) -> bytes:
    parts = [head]
    if user:
        parts += (b',"user":', user)
    if repo:
        parts += (b',"repo":', repo)
    if build:
        parts += (b',"build":', build)
    if system:
        parts += (b',"system":', system)
    parts.append(b"}")
    return b"".join(parts)


@lru_cache(maxsize=16)
def _own_system(proto: str, host: str) -> bytes:
    """The block for an event that brings none; nothing where nothing is configured."""
    link = f"{proto}://{host}" if proto and host else ""
    block = {key: value for key, value in (("proto", proto), ("host", host), ("link", link)) if value}
    return json.encode(block) if block else b""


def _misnamed(event: str, action: str, has: tuple[bool, bool, bool]) -> NotAnEvent:
    """Why this is no event of Drone's, by its names and by what there is."""
    if not event:
        return NotAnEvent("event is missing, and there is no user, repo or build to tell it by", pointer="/event")
    if event not in ACTIONS:
        return NotAnEvent(f"event is {unknown(event, ACTIONS)}", pointer="/event")
    for resource, there in zip(KEY, has, strict=True):
        if resource in NEEDED[event] and not there:
            return _lacking(resource)
        if there and not any(fit[list(KEY).index(resource)] for fit in FITS[event]):
            wanted = _told_by(*has)
            return NotAnEvent(
                f"a {event} event has no {resource}: leave it out, or say event {wanted}", pointer=f"/{resource}"
            )
    if not action:
        return NotAnEvent(f"action is missing; there is {', '.join(ACTIONS[event])}", pointer="/action")
    return NotAnEvent(f"action of a {event} event is {unknown(action, ACTIONS[event])}", pointer="/action")


def _lacking(resource: str) -> NotAnEvent:
    key = KEY[resource]
    return NotAnEvent(f"{resource}.{key} is missing or empty", pointer=f"/{resource}/{key}")
