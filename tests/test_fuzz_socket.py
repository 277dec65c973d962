"""Whatever is posted: no 500, no hang, and the next one is served.

Law: the real routes over a real socket; what comes back is an answer of the contract, whole, and JSON.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from api_rig import NDJSON, Answer, House, house
from fuzz_rig import Dice, cut, fuzz, long, spoilt, value, words, written

from sidecar.dialects import DIALECTS
from sidecar.model import Endpoint, Secret

KEY = (Secret(b"k" * 32),)
ENDPOINTS = [Endpoint(name, name, "https://ci.example/", KEY, events=("*",)) for name in DIALECTS]
PATHS = {"drone": "/events", "pagure": "/events/pagure", "launchpad": "/events/launchpad"}
GOLDEN = Path(__file__).parent / "golden"
GOOD = {name: [file.read_bytes() for file in sorted((GOLDEN / name).glob("*.json"))] for name in DIALECTS}

MEMBERS = [
    "event",
    "action",
    "user",
    "repo",
    "build",
    "system",
    "id",
    "topic",
    "project",
    "msg",
    "type",
    "payload",
    "target",
]
WITHIN = ["slug", "number", "login", "id", "name", "ref", "status", "target"]
WORDS = ("build", "created", "updated", "octocat/hello-world", "merge-proposal:0.1", "git.receive", "", "\0", "../..")
KINDS = ("application/json",) * 5 + (
    "application/json; charset=utf-8",
    "text/plain",
    "application/x-www-form-urlencoded",
    "",
)
PRINTABLE = [chr(code) for code in range(32, 127)]


def member(dice: Dice) -> Any:
    if dice.random() < 0.4:
        return {dice.choice(WITHIN): value(dice) for _ in range(dice.randrange(4))}
    return dice.choice(WORDS) if dice.random() < 0.5 else value(dice)


def body(dice: Dice, dialect: str) -> bytes:
    """A good event spoilt, something like an event, any JSON, something deep, or noise."""
    match dice.randrange(8):
        case 0 | 1 | 2:
            return spoilt(dice, dice.choice(GOOD[dialect]))
        case 3 | 4:
            return written({dice.choice(MEMBERS): member(dice) for _ in range(dice.randrange(6))})
        case 5:
            return spoilt(dice, written({dice.choice(MEMBERS): member(dice) for _ in range(dice.randrange(6))}))
        case 6:
            deep = dice.choice((b'{"repo":', b"[", b'{"":['))
            return deep * dice.randrange(4000 // len(deep)) if dice.random() < 0.2 else written(value(dice))
        case _:
            return dice.randbytes(dice.randrange(60))


@contextmanager
def served(folder: Path) -> Iterator[tuple[asyncio.Runner, House]]:
    """The routes of every dialect."""
    with asyncio.Runner() as runner:
        context = house(folder, endpoints=ENDPOINTS, dialects=DIALECTS)
        it = runner.run(context.__aenter__())
        try:
            yield runner, it
        finally:
            runner.run(context.__aexit__(None, None, None))


def check(status: int, said: Any) -> None:
    """The answer to one event."""
    assert status in {202, 400, 409, 413, 415, 422}, said
    if status == 202:
        assert said.keys() == {"id", "duplicate", "deliveries"}
    else:
        assert {"type", "title", "status", "detail"} <= said.keys(), said
        assert said["detail"]
        assert said["status"] == status


def forget(it: House) -> None:
    """So that a long run does not fill the memory."""
    if len(it.outbox.entries) > 500:
        it.outbox.entries.clear()
        it.outbox.items.clear()
        it.outbox.lanes.clear()


@long
def test_any_body_is_answered(tmp_path: Path) -> None:
    with served(tmp_path) as (runner, it):

        async def one(dice: Dice) -> None:
            dialect = dice.choice(list(DIALECTS))
            headers = {"Content-Type": dice.choice(KINDS)}
            for name in ("Idempotency-Key", "traceparent"):
                if dice.random() < 0.2:
                    headers[name] = "".join(dice.choices(PRINTABLE, k=dice.randrange(60))).strip()
            answer: Answer = await it.post(PATHS[dialect], body(dice, dialect), headers)
            check(answer.status, answer.json)
            forget(it)

        fuzz("an event of JSON on the socket", one, runner)


@long
def test_any_stream_is_answered_line_by_line(tmp_path: Path) -> None:
    with served(tmp_path) as (runner, it):

        async def one(dice: Dice) -> None:
            dialect = dice.choice(list(DIALECTS))
            lines = [body(dice, dialect) if dice.random() < 0.8 else words(dice, " \t\r").encode() for _ in range(3)]
            await streamed(it, dice, dialect, spoilt(dice, b"\n".join(lines[: dice.randrange(4)])))

        fuzz("a stream of NDJSON on the socket", one, runner)


async def streamed(it: House, dice: Dice, dialect: str, raw: bytes) -> None:
    """In pieces; one answer for each line that is not blank."""
    minimal = dice.random() < 0.3
    pieces = cut(dice, raw)

    async def sent() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    headers = {**NDJSON, **({"Prefer": "return=minimal"} if minimal else {})}
    answer: Answer = await it.post(PATHS[dialect], sent(), headers)
    assert answer.status == 202, answer
    count = sum(1 for line in raw.split(b"\n") if line.strip(b" \t\r\n"))
    if minimal:
        *faults, sums = answer.lines
        assert sums["accepted"] + sums["duplicates"] + sums["refused"] == count
        assert len(faults) == sums["refused"]
    else:
        assert len(answer.lines) == count
        for said in answer.lines:
            check(said["error"]["status"] if "error" in said else 202, said.get("error", said))
    forget(it)


def test_the_examples_that_are_spoilt_are_good(tmp_path: Path) -> None:
    """Or they would show little."""

    async def all_of_them() -> None:
        async with house(tmp_path, endpoints=ENDPOINTS, dialects=DIALECTS) as it:
            for name, bodies in GOOD.items():
                assert bodies
                for raw in bodies:
                    assert (await it.post(PATHS[name], raw)).status == 202

    asyncio.run(all_of_them())
