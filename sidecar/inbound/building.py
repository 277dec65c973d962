"""What a forge tells becomes builds, each an event in the outbox.

Law: number, event, memory, answer; each on disk before the next. Whatever dies in between, the forge's next try finds
what there is: the same delivery has the same numbers, the same numbers have the same events, and the outbox takes an
event once. It is remembered only once its events are stored.
"""

from collections.abc import Sequence

from msgspec import Struct, json, structs

from sidecar import rebuild
from sidecar.forges import Ignored, Ping, PullRequest, Push, Told
from sidecar.inbound.parts import Parts
from sidecar.inbound.visit import Visit
from sidecar.incoming import Numbered, Registered, Wanted
from sidecar.model import Accepted, Added, Posting, fingerprint
from sidecar.projects import Once

SHOWN = 50
"""Packages that are not built and are told with their reasons, at most."""


class Delivery(Struct, frozen=True):
    """What one request brought.

    Attributes:
        named: the package that its URL names, "" for none.
        once: by what it is known when it comes again.
    """

    project: Registered
    named: str
    once: Once
    told: Told


class Built(Struct, omit_defaults=True):
    """A build and its event; `note` says why the package counts as changed where that is not certain."""

    package: str
    build: int
    event: str
    note: str = ""


class Left(Struct):
    """A package that is not built."""

    package: str
    reason: str


class Answer(Struct, omit_defaults=True):
    """What the forge is told. `more`: packages that are not built and not listed. `reason`: why nothing is, where that
    is no package's doing."""

    builds: list[Built]
    skipped: list[Left]
    more: int = 0
    reason: str = ""


async def receive(parts: Parts, visit: Visit, delivery: Delivery) -> tuple[int, bytes]:
    """Status and body of the answer: of the first one, where the delivery came before and built something. One that
    built nothing is looked at anew: its packages may have been mended since."""
    now = parts.clock.now()
    key = fingerprint(delivery.project.project.full_name.encode(), delivery.named.encode(), delivery.once.key.encode())
    since = now - delivery.once.within
    visit.learn(delivery=delivery.once.key.partition(" id ")[2])
    if there := await parts.hooks.known(key, since):
        parts.hooks.came_again(there, now)
        return there.status, there.answer
    answer = await _answer(parts, delivery, now)
    body = json.encode(answer)
    if not answer.builds:
        visit.learn(outcome="nothing", status=200, reason=answer.reason, answer=body)
        parts.hooks.note(visit.hook)
        return 200, body
    kept = await parts.hooks.keep(structs.replace(visit.hook, outcome="built", status=202, answer=body, key=key), since)
    return kept.status, kept.answer


async def _answer(parts: Parts, delivery: Delivery, now: int) -> Answer:
    match delivery.told:
        case Ping():
            return Answer([], [], reason="a ping: the way is open, and signed as shown in `sidecar hooks`")
        case Ignored(reason):
            return Answer([], [], reason=reason)
        case Push() | PullRequest() as told:
            return await _built(parts, delivery, told, now)


async def _built(parts: Parts, delivery: Delivery, told: Push | PullRequest, now: int) -> Answer:
    found = delivery.project
    builds, skipped = rebuild.match(told, found.project, found.packages, named=delivery.named)
    wanted = [_wanted(build, found, delivery.once) for build in builds]
    numbered = await parts.projects.number(found.project, wanted, now)
    added = await _store(parts, [_posting(parts, found, *pair) for pair in zip(builds, numbered, strict=True)])
    answer = Answer([], [Left(one.package, one.reason) for one in skipped])
    for build, want, number, told_before in zip(builds, wanted, numbered, added, strict=True):
        if told_before and number.key != want.key.key:
            answer.skipped.append(Left(number.package, f"is build {number.number} already, by another delivery"))
        else:
            answer.builds.append(Built(number.package, number.number, _event_id(number), build.note))
    answer.more = max(0, len(answer.skipped) - SHOWN)
    answer.skipped = answer.skipped[:SHOWN]
    if not builds and not skipped:
        has = f"no package {delivery.named}" if delivery.named else "no packages"
        answer.reason = f"{found.project.full_name} has {has}"
    return answer


def _wanted(build: rebuild.Build, found: Registered, once: Once) -> Wanted:
    key = Once(rebuild.identity(build, found.project, once), once.within)
    return Wanted(build.package.name, key, build.once)


def _event_id(number: Numbered) -> str:
    """Of project, package, ref and the delivery it was first wanted by; and of the number, because a delivery without
    an id of its own may come anew."""
    return f"{number.key}-{number.number}"


def _posting(parts: Parts, found: Registered, build: rebuild.Build, number: Numbered) -> Posting:
    """The build's event with all that it owes; the same at every try, so its times are those of its number."""
    id_ = _event_id(number)
    raw = rebuild.event(build, found.project, number=number.number, now=number.at, id=id_)
    return parts.posting(parts.drone.read(raw, id=id_, now=parts.clock.now(), instance=parts.instance))


async def _store(parts: Parts, postings: Sequence[Posting]) -> list[bool]:
    """Of each, whether it was there before. A conflict is that too: the id says what it is, and what was edited since
    makes it no other build."""
    if not postings:
        return []
    parts.gate.check()
    added: Sequence[Added] = await parts.outbox.add(postings)
    parts.observer.answered("drone", added)
    parts.observer.stored(postings, added)
    return [not isinstance(one, Accepted) or one.duplicate for one in added]
