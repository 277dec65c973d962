"""Whatever is posted: no 500, no hang, and the next one is served.

Law: the real routes over a real socket; what comes back is an answer of the contract, whole, and JSON.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from api_rig import NDJSON, Answer, House, house
from fuzz_rig import FUZZ, SPOILS, Meter, Spoil, long, metered, spoilt
from hypothesis import given
from hypothesis import strategies as st

from sidecar.dialects import DIALECTS
from sidecar.model import Endpoint, Secret

KEY = (Secret(b"k" * 32),)
ENDPOINTS = [Endpoint(name, name, "https://ci.example/", KEY, events=("*",)) for name in DIALECTS]
PATHS = {"drone": "/events", "pagure": "/events/pagure", "launchpad": "/events/launchpad"}
LINE = {202, 400, 409, 413, 422}
"""What an event may be answered with."""

GOLDEN = Path(__file__).parent / "golden"
GOOD = {name: [file.read_bytes() for file in sorted((GOLDEN / name).glob("*.json"))] for name in DIALECTS}

text = st.text(max_size=12) | st.sampled_from(["build", "created", "updated", "octocat/hello", "id", "", "\0", "../.."])
scalar = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | text
value = st.recursive(
    scalar,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
member = st.sampled_from(
    ["event", "action", "user", "repo", "build", "system", "id", "topic", "project", "msg", "type", "payload", "target"]
)
resource = st.dictionaries(st.sampled_from(["slug", "number", "login", "id", "name", "ref"]), value, max_size=3)
event = st.dictionaries(member, value | resource, max_size=5).map(json.dumps).map(str.encode)
deep = st.integers(1, 4000).map(lambda depth: b'{"repo":' * depth)
dialect = st.sampled_from(list(DIALECTS))
known = dialect.flatmap(lambda name: st.sampled_from(GOOD[name]))
body = st.one_of(
    st.tuples(known, SPOILS).map(lambda two: spoilt(*two)),
    st.tuples(event, SPOILS).map(lambda two: spoilt(*two)),
    event,
    st.binary(max_size=60),
    value.map(json.dumps).map(str.encode),
    deep,
)
header = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40).map(str.strip)
kind = st.sampled_from(["application/json", "application/json", "application/json; charset=utf-8", "text/plain", ""])


@contextmanager
def served(name: str, folder: Path) -> Iterator[tuple[Meter, House]]:
    """The routes of every dialect, for all inputs of a test."""
    with metered(name) as meter:
        context = house(folder, endpoints=ENDPOINTS, dialects=DIALECTS)
        it = meter.runner.run(context.__aenter__())
        try:
            yield meter, it
        finally:
            meter.runner.run(context.__aexit__(None, None, None))


def is_problem(problem: dict[str, Any]) -> bool:
    """RFC 9457, as the contract has it."""
    return {"type", "title", "status", "detail"} <= problem.keys() and problem["detail"] != ""


def check(status: int, said: Any) -> None:
    """The answer to one event."""
    assert status in LINE | {415}, said
    if status == 202:
        assert said.keys() == {"id", "duplicate", "deliveries"}
    else:
        assert is_problem(said), said
        assert said["status"] == status


async def forget(it: House) -> None:
    """So that a long run does not fill the memory."""
    if len(it.outbox.entries) > 500:
        it.outbox.entries.clear()
        it.outbox.items.clear()
        it.outbox.lanes.clear()


async def posted(it: House, name: str, raw: bytes, headers: dict[str, str]) -> None:
    answer: Answer = await it.post(PATHS[name], raw, headers)
    check(answer.status, answer.json)
    await forget(it)


@long
def test_any_body_is_answered(tmp_path: Path) -> None:
    with served("an event of JSON on the socket", tmp_path) as (meter, it):

        @FUZZ
        @given(dialect, body, kind, st.none() | header, st.none() | header)
        def one(name: str, raw: bytes, kind: str, key: str | None, trace: str | None) -> None:
            more = {"Idempotency-Key": key, "traceparent": trace, "Content-Type": kind}
            meter.run(posted(it, name, raw, {name: value for name, value in more.items() if value is not None}))

        one()


async def streamed(it: House, name: str, raw: bytes, cuts: Sequence[int], *, minimal: bool) -> None:
    """In pieces, as a network may bring it; one answer for each line that is not blank."""

    async def pieces() -> AsyncIterator[bytes]:
        start = 0
        for end in sorted(cut % (len(raw) + 1) for cut in cuts):
            if raw[start:end]:
                yield raw[start:end]
            start = end
        yield raw[start:]

    headers = {**NDJSON, **({"Prefer": "return=minimal"} if minimal else {})}
    answer: Answer = await it.post(PATHS[name], pieces(), headers)
    assert answer.status == 202, answer
    lines = [line for line in raw.split(b"\n") if line.strip(b" \t\r\n")]
    if minimal:
        *faults, sums = answer.lines
        assert sums["accepted"] + sums["duplicates"] + sums["refused"] == len(lines)
        assert len(faults) == sums["refused"]
    else:
        assert len(answer.lines) == len(lines)
        for said in answer.lines:
            check(said["error"]["status"] if "error" in said else 202, said.get("error", said))
    await forget(it)


@long
def test_any_stream_is_answered_line_by_line(tmp_path: Path) -> None:
    with served("a stream of NDJSON on the socket", tmp_path) as (meter, it):
        line = body | st.binary(max_size=8)
        stream = st.lists(line, max_size=5).map(b"\n".join) | st.binary(max_size=40)

        @FUZZ
        @given(dialect, stream, SPOILS, st.lists(st.integers(0, 3000), max_size=4), st.booleans())
        def one(name: str, raw: bytes, spoils: list[Spoil], cuts: list[int], minimal: bool) -> None:
            meter.run(streamed(it, name, spoilt(raw, spoils), cuts, minimal=minimal))

        one()


def test_the_good_examples_are_good(tmp_path: Path) -> None:
    """Or the spoilt ones would show little."""

    async def all_of_them() -> None:
        async with house(tmp_path, endpoints=ENDPOINTS, dialects=DIALECTS) as it:
            for name, bodies in GOOD.items():
                assert bodies
                for raw in bodies:
                    assert (await it.post(PATHS[name], raw)).status == 202

    asyncio.run(all_of_them())
