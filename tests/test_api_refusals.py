"""Every way to ask wrongly, and what is answered.

Law: each row is a request that is refused as a problem, with words that tell what is wrong; whatever it was, the next
event is taken.
"""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from api_rig import JSON, LIMIT, NDJSON, PROBLEM, House, build, head, house, wire
from structlog.testing import capture_logs


@pytest.fixture
async def sidecar(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as served:
        yield served


TITLES = {
    400: "Malformed request",
    404: "Not found",
    405: "Method not allowed",
    413: "Content too large",
    415: "Unsupported media type",
    417: "Expectation failed",
    422: "Not an event",
}


class Bad(NamedTuple):
    """A request, what it is answered, and words of the detail or the pointer."""

    status: int
    words: str
    body: bytes | None = None
    headers: Mapping[str, str] = JSON
    method: str = "POST"
    path: str = "/events"
    query: Mapping[str, str] | None = None
    pointer: str | None = None


def get(status: int, words: str, path: str, **query: str) -> Bad:
    return Bad(status, words, None, {}, "GET", path, query)


def typed(kind: str, words: str) -> Bad:
    return Bad(415, words, build(), {"Content-Type": kind})


def named(key: str) -> Bad:
    return Bad(422, "Idempotency-Key must be 1 to 128", build(), {**JSON, "Idempotency-Key": key})


CURL = "-H 'Content-Type: application/json'"
BACK = "2h or 30d"

REQUESTS = {
    "no body": Bad(400, "", b""),
    "blanks": Bad(400, "", b" \n\t "),
    "not JSON": Bad(400, "", b"hello"),
    "half of JSON": Bad(400, "", build()[:-1]),
    "JSON and more": Bad(400, "", build() + b"{}"),
    "two lines of JSON": Bad(400, "", build() + b"\n" + build()),
    "not UTF-8": Bad(400, "", b'{"repo":{"slug":"\xff"}}'),
    "half a surrogate": Bad(400, "", b'{"repo":{"slug":"\\ud800"}}'),
    "a byte order mark": Bad(400, "", b"\xef\xbb\xbf" + build()),
    "an array": Bad(422, "", b"[]"),
    "a string": Bad(422, "", b'"build"'),
    "null": Bad(422, "", b"null"),
    "an empty object": Bad(422, "", b"{}"),
    "a build without its repo": Bad(422, "repo", b'{"event":"build","action":"created","build":{"number":1}}'),
    "an unknown member": Bad(422, "", build(colour="red"), pointer="/colour"),
    "an id of blanks": Bad(422, "", build(id="a b"), pointer="/id"),
    "an empty id": Bad(422, "", build(id=""), pointer="/id"),
    "a number for an id": Bad(422, "", build(id=7), pointer="/id"),
    "an id too long": Bad(422, "", build(id="x" * 129), pointer="/id"),
    "a slug that is no string": Bad(422, "", build(slug=7), pointer="/repo/slug"),  # type: ignore[arg-type]  # the slip itself
    "too large": Bad(413, f"{LIMIT} bytes (SIDECAR_MAX_EVENT_SIZE)", b" " * (LIMIT + 1)),
    "no content type": Bad(415, f"is missing; with curl: {CURL}", build(), {}),
    "what curl -d says": typed("application/x-www-form-urlencoded", CURL),
    "text": typed("text/plain", "'text/plain'"),
    "a form": typed("multipart/form-data; boundary=x", CURL),
    "nearly JSON": typed("application/jsonp", CURL),
    "JSON of a kind": typed("application/problem+json", CURL),
    "no type at all": typed(";charset=utf-8", "is missing"),
    "packed": Bad(415, "'gzip'", build(), {**JSON, "Content-Encoding": "gzip"}),
    "packed lines": Bad(415, "'br'", build(), {**NDJSON, "Content-Encoding": "br"}),
    "a key of blanks": named("a b"),
    "an empty key": named(""),
    "a key too long": named("x" * 129),
    "a key in quotes": named('"a"'),
    "a key for a stream": Bad(422, "names one event", build(), {**NDJSON, "Idempotency-Key": "a"}),
    "two names": Bad(422, "send one of them", build(id="b"), {**JSON, "Idempotency-Key": "a"}, pointer="/id"),
    "an unknown dialect": Bad(404, "there is drone, plain", build(), path="/events/jenkins"),
    "a dialect's slip": Bad(422, "name must be", b'{"subject":"s"}', path="/events/plain", pointer="/name"),
    "an unknown expectation": Bad(417, "100-continue", build(), {**JSON, "Expect": "200-ok"}),
    "an unknown route": Bad(404, "there is no /hooks/drone", build(), path="/hooks/drone"),
    "the root": get(404, "there is no /", "/"),
    "a slash too many": get(404, "there is no /events/", "/events/"),
    "looking at all events": Bad(405, "GET is not allowed here, but POST", None, {}, "GET"),
    "putting an event": Bad(405, "PUT is not allowed", build(), method="PUT"),
    "deleting the log": Bad(405, "GET, HEAD", None, {}, "DELETE", "/deliveries"),
    "looking at a ping": Bad(405, "GET is not allowed here, but POST", None, {}, "GET", "/endpoints/hook/ping"),
    "posting to a probe": Bad(405, "but GET, HEAD", b"", path="/readyz"),
    "an unknown event": get(404, "no such event", "/events/nothing"),
    "an event of no name": get(404, "no such event", "/events/a%20b"),
    "an unknown delivery": get(404, "no such delivery", "/deliveries/7"),
    "a delivery of no number": get(404, "no such delivery", "/deliveries/seven"),
    "a delivery beyond numbers": get(404, "no such delivery", f"/deliveries/{'9' * 30}"),
    "sending nothing again": Bad(404, "no such delivery", path="/deliveries/7/resend"),
    "pinging nobody": Bad(404, "configured: builds, hook, plain", path="/endpoints/hock/ping"),
    "pausing nobody": Bad(404, "no endpoint 'hock'", path="/endpoints/hock/pause"),
    "resuming nobody": Bad(404, "no endpoint 'hock'", path="/endpoints/hock/resume"),
    "an unknown parameter": get(400, "no parameter 'stat'; there is endpoint, state,", "/deliveries", stat="dead"),
    "an unknown state": get(400, "state is one of pending, delivering,", "/deliveries", state="lost"),
    "a limit of nothing": get(400, "limit is a number from 1 to 1000", "/deliveries", limit="0"),
    "a limit too high": get(400, "limit is a number from 1 to 1000", "/deliveries", limit="1001"),
    "a limit of words": get(400, "limit is a number", "/deliveries", limit="all"),
    "a limit in other digits": get(400, "limit is a number", "/deliveries", limit="\u0663"),
    "a cursor of words": get(400, "after is the `next`", "/deliveries", after="last"),
    "a cursor below zero": get(400, "after is the `next`", "/deliveries", after="-1"),
    "a time of words": get(400, BACK, "/deliveries", since="yesterday"),
    "a time without its zone": get(400, BACK, "/deliveries", until="2026-01-02T03:04:05"),
    "a day there is not": get(400, "until is no time", "/deliveries", until="2026-02-30T03:04:05Z"),
    "a span of no unit": get(400, BACK, "/deliveries", since="30"),
    "a parameter twice": Bad(400, "limit is given twice", None, {}, "GET", "/deliveries?limit=1&limit=2"),
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_what_is_asked_wrongly_is_told_so_and_hurts_nobody(sidecar: House, name: str) -> None:
    bad = REQUESTS[name]
    with capture_logs() as logs:
        answer = await sidecar.ask(bad.method, bad.path, data=bad.body, headers=bad.headers, params=bad.query)
    assert answer.status == bad.status, answer.body
    assert answer.headers["Content-Type"] == PROBLEM
    told: dict[str, Any] = answer.json
    assert told.keys() - {"pointer"} == {"type", "title", "status", "detail"}
    assert (told["title"], told["status"]) == (TITLES[bad.status], bad.status)
    assert told["type"].startswith("urn:sidecar:problem:")
    assert bad.words in told["detail"]
    if bad.pointer:
        assert told["pointer"] == bad.pointer
    assert logs == []
    await sidecar.still_good()


def test_there_are_many_ways_to_ask_wrongly() -> None:
    assert len(REQUESTS) >= 35


async def test_a_wrong_method_is_told_the_right_ones(sidecar: House) -> None:
    """In the header too (RFC 9110, section 10.2.1)."""
    answer = await sidecar.ask("PATCH", "/events/x", data=b"")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, POST")


async def test_what_is_no_http_is_refused_and_not_quoted_in_the_log(sidecar: House) -> None:
    """It may be the rest of a body whose length was told wrongly."""
    body = build()
    with capture_logs() as logs:
        async with wire(sidecar.path) as by_hand:
            await by_hand.send(head(len(body)), body)
            assert await by_hand.status() == 202
            await by_hand.send(b'"hush"}\r\n\r\n')
            assert b"HTTP/1.0 400" in await by_hand.rest()
    assert logs == [{"event": "api.not_http", "log_level": "warning", "error": "BadHttpMethod"}]
    await sidecar.still_good()


async def test_a_surprise_is_logged_by_its_type_and_place_alone(sidecar: House) -> None:
    """Its message may hold what nobody should read."""
    with capture_logs() as logs:
        await sidecar.post("/events/plain", b'{"trap":"hush"}')
    [entry] = logs
    assert entry.pop("traceback").startswith('  File "')
    assert entry == {
        "event": "api.failed",
        "log_level": "error",
        "method": "POST",
        "path": "/events/plain",
        "error": "RuntimeError",
    }
    assert "hush" not in str(logs)
