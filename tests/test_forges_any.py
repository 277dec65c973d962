"""Whatever is posted. Law: any bytes under any headers yield a value or a Problem, never a surprise."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from forge_bodies import (
    BITBUCKET,
    BITBUCKET_PULL,
    BITBUCKET_PUSH,
    GITEA,
    GITHUB,
    GITHUB_PULL,
    GITHUB_PUSH,
    GITHUB_TAG,
    GITLAB,
    GITLAB_MERGE,
    GITLAB_PUSH,
    PAGURE,
    PAGURE_PULL,
    PAGURE_PUSH,
    PAGURE_TAG,
)
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from sidecar import forges, rebuild
from sidecar.dialects import drone
from sidecar.errors import Malformed, NotAnEvent
from sidecar.forges.gitlab import KINDS
from sidecar.forges.pagure import TOPICS
from sidecar.model import Instance
from sidecar.projects import Package, Project, PullRequest, Push

SENDERS = [GITHUB, GITEA, GITLAB, BITBUCKET, PAGURE]
DOCUMENTS: list[Any] = [
    *(BITBUCKET_PULL, BITBUCKET_PUSH, GITHUB_PULL, GITHUB_PUSH, GITHUB_TAG),
    *(GITLAB_MERGE, GITLAB_PUSH, PAGURE_PULL, PAGURE_PUSH, PAGURE_TAG),
]
EVENTS = ["push", "create", "delete", "pull_request", "ping", "repo:push", "pullrequest:created", "Push Hook", "x"]
names = st.sampled_from(
    sorted({name for document in DOCUMENTS for name in json.encode(document).decode().split('"')[1::2]})
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=9),
    names,
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.one_of(names, st.text(max_size=5)), inner)),
    max_leaves=12,
)
senders = st.builds(
    lambda sender, event: {name: event if "Event" in name else value for name, value in sender.items()},
    st.sampled_from(SENDERS),
    st.sampled_from(EVENTS),
)


def taken(headers: Mapping[str, str], body: bytes) -> None:
    """It is a value or a Problem; and what it builds is an event."""
    forge = forges.which(headers)
    forges.delivery(forge, headers, body)
    forges.verify(forge, headers, body, forges.Keys((b"secret",), (b"key",)), now=0)
    try:
        told = forges.read(forge, headers, body)
    except (Malformed, NotAnEvent):
        return
    if isinstance(told, Push | PullRequest):
        project = Project(id=1, ownername="a", name="b", chroots=("c",), pull_requests="open")
        builds, _ = rebuild.match(told, project, [Package("nano", url, webhook_rebuild=True) for url in told.urls])
        for build in builds:
            drone.read(rebuild.event(build, project, number=1, now=0, id="x"), id="y", now=0, instance=Instance())


def changed(document: Any, steps: list[int], value: Any) -> Any:
    """The document with another value at a place that the steps lead to."""
    if not steps or not isinstance(document, dict | list) or not document:
        return value
    first, rest = steps[0], steps[1:]
    if isinstance(document, list):
        place = first % len(document)
        return [*document[:place], changed(document[place], rest, value), *document[place + 1 :]]
    name = sorted(document)[first % len(document)]
    return {**document, name: changed(document[name], rest, value)}


@given(senders, st.binary(max_size=200))
def test_any_bytes_are_taken_or_refused(headers: dict[str, str], body: bytes) -> None:
    taken(headers, body)


@given(senders, values)
def test_any_json_is_taken_or_refused(headers: dict[str, str], document: Any) -> None:
    taken(headers, json.encode(document))


@given(
    senders,
    st.sampled_from(DOCUMENTS),
    st.lists(st.integers(0, 30), min_size=1, max_size=5),
    values,
    st.sampled_from([*KINDS, *TOPICS]),
)
def test_a_body_with_anything_in_any_place_is_taken_or_refused(
    headers: dict[str, str], document: Any, steps: list[int], value: Any, kind: str
) -> None:
    made = changed(document, steps, value)
    if isinstance(made, dict) and "topic" in made:
        made = {**made, "topic": kind}
    if isinstance(made, dict) and "object_kind" in made:
        made = {**made, "object_kind": kind}
    taken(headers, json.encode(made))


@given(senders, st.binary(max_size=60))
def test_any_form_is_taken_or_refused(headers: dict[str, str], body: bytes) -> None:
    taken({**headers, "Content-Type": "application/x-www-form-urlencoded"}, b"payload=" + body)


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("deep", [b"[", b'{"repository":', b'{"msg":', b'{"x":['])
def test_what_is_nested_too_deeply_is_refused(sender: dict[str, str], deep: bytes) -> None:
    taken(sender, deep * 50_000)


@given(st.dictionaries(st.sampled_from([name for sender in SENDERS for name in sender]), st.text(max_size=9)))
def test_any_headers_are_of_one_forge_or_refused(headers: dict[str, str]) -> None:
    with suppress(Malformed):
        assert forges.which(headers) in forges.FORGES
