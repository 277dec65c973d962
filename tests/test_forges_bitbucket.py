"""Bitbucket Cloud. Law: a case is what was sent and what it tells."""

from typing import Any

import pytest
from forge_bodies import BITBUCKET, BITBUCKET_PULL, BITBUCKET_PUSH, GONE, NEW, OLD, body

from sidecar import forges
from sidecar.errors import Malformed, NotAnEvent
from sidecar.projects import Change, Ignored, Person, PullRequest, Push, Told

CHANGE: dict[str, Any] = BITBUCKET_PUSH["push"]["changes"][0]  # type: ignore[index] # the document is of one shape
TAG = {**CHANGE, "old": None, "new": {**CHANGE["new"], "type": "tag", "name": "nano-1.2"}}
GONE_BRANCH = {**CHANGE, "new": None, "closed": True}


def read(sent: bytes, event: str = "repo:push") -> Told:
    whole = {**BITBUCKET, "X-Event-Key": event}
    return forges.read(forges.which(whole), whole, sent)


def changes(told: Told) -> tuple[Change, ...]:
    assert isinstance(told, Push)
    return told.changes


def test_a_push_says_where_from_where_to_and_by_whom_and_that_files_are_not_listed() -> None:
    assert read(body(BITBUCKET_PUSH)) == Push(
        forge="bitbucket",
        urls=("https://bitbucket.org/rpms/nano",),
        sender="bob",
        changes=(
            Change(
                ref="refs/heads/main",
                before=OLD,
                after=NEW,
                files=None,
                unlisted="Bitbucket lists no files",
                message="Mend it\n",
                link="https://bitbucket.org/rpms/nano/branches/compare/x",
                author=Person("ana", "Ana", "ana@example.org"),
            ),
        ),
    )


def test_every_change_of_a_push_counts_not_the_first_alone() -> None:
    told = changes(read(body(BITBUCKET_PUSH, push__changes=[GONE_BRANCH, CHANGE, TAG])))
    assert [(one.ref, one.after, one.deleted) for one in told] == [
        ("refs/heads/main", "", True),
        ("refs/heads/main", NEW, False),
        ("refs/tags/nano-1.2", NEW, False),
    ]


def test_a_new_tag_is_a_tag() -> None:
    (told,) = changes(read(body(BITBUCKET_PUSH, push__changes=[TAG])))
    assert (told.is_tag, told.name, told.before) == (True, "nano-1.2", "")


@pytest.mark.parametrize("sent", [GONE_BRANCH, {**GONE_BRANCH, "old": TAG["new"]}], ids=["branch", "tag"])
def test_a_delete_is_not_treated_as_a_create_and_is_no_500(sent: Any) -> None:
    """copr answers a branch that is gone (`new` null) with 500."""
    (told,) = changes(read(body(BITBUCKET_PUSH, push__changes=[sent])))
    assert (told.deleted, told.after) == (True, "")


@pytest.mark.parametrize("push", [{"changes": []}, {"changes": None}, {}, None])
def test_a_push_without_changes_is_told_so_and_is_no_500(push: Any) -> None:
    assert read(body(BITBUCKET_PUSH, push=push)) == Ignored("the push changes nothing")


def test_an_author_that_bitbucket_does_not_know_is_told_by_the_commit() -> None:
    sent = body(BITBUCKET_PUSH, push__changes__0__new__target__author={"raw": "Eve <eve@example.org>"})
    assert changes(read(sent))[0].author == Person("", "Eve", "eve@example.org")
    sent = body(BITBUCKET_PUSH, push__changes__0__new__target__author=None)
    assert changes(read(sent))[0].author == Person()


@pytest.mark.parametrize("event", ["pullrequest:created", "pullrequest:updated"])
def test_a_pull_request_says_its_target_and_the_head_of_the_fork(event: str) -> None:
    told = read(body(BITBUCKET_PULL), event)
    assert isinstance(told, PullRequest)
    assert told == PullRequest(
        forge="bitbucket",
        urls=("https://bitbucket.org/rpms/nano",),
        number=12,
        target="main",
        before=OLD[:12],
        after=NEW[:12],
        source_url="https://bitbucket.org/ana/nano",
        source_repo="ana/nano",
        source="mend",
        ref="refs/heads/mend",
        title="Mend it",
        message="It was broken.",
        link="https://bitbucket.org/rpms/nano/pull-requests/12",
        author=Person("ana"),
        sender="bob",
        once=told.once,
    )


def test_a_title_that_changes_builds_nothing_again_but_a_new_head_does() -> None:
    first = read(body(BITBUCKET_PULL), "pullrequest:created")
    titled = read(body(BITBUCKET_PULL, pullrequest__title="Mended"), "pullrequest:updated")
    pushed = read(body(BITBUCKET_PULL, pullrequest__source__commit__hash="abcdef012345"), "pullrequest:updated")
    assert isinstance(first, PullRequest)
    assert isinstance(titled, PullRequest)
    assert isinstance(pushed, PullRequest)
    assert first.once == titled.once != pushed.once


@pytest.mark.parametrize(
    ("sent", "event", "word"),
    [
        (body(BITBUCKET_PULL, pullrequest__state="MERGED"), "pullrequest:updated", "'MERGED'"),
        (body(BITBUCKET_PULL, pullrequest__source__repository=None), "pullrequest:created", "is gone"),
        (b"{}", "pullrequest:fulfilled", "builds nothing"),
        (b"{}", "repo:fork", "builds nothing"),
        (b"{}", "issue:created", "builds nothing"),
        (b"{}", "repo:refs_changed", "Data Center"),
        (b"{}", "pr:opened", "Data Center"),
        (b"{}", "diagnostics:ping", "Data Center"),
    ],
)
def test_what_builds_nothing_says_why(sent: bytes, event: str, word: str) -> None:
    told = read(sent, event)
    assert isinstance(told, Ignored)
    assert word in told.reason


PUSH, PULL = "repo:push", "pullrequest:created"


@pytest.mark.parametrize(
    ("event", "sent", "pointer"),
    [
        pytest.param(PUSH, b"null", "", id="null (copr: 500)"),
        pytest.param(PUSH, b"[]", "", id="a list (copr: 500)"),
        pytest.param(PUSH, b"{}", "/repository/links/html/href", id="nothing in it"),
        pytest.param(PUSH, body(BITBUCKET_PUSH, repository=GONE), "/repository/links/html/href", id="no repository"),
        pytest.param(PUSH, body(BITBUCKET_PUSH, push__changes=[{}]), "/push/changes/0/old", id="an empty change"),
        pytest.param(
            PUSH, body(BITBUCKET_PUSH, push__changes__0__new__type="bookmark"), "/push/changes/0/new/type", id="type"
        ),
        pytest.param(
            PUSH,
            body(BITBUCKET_PUSH, push__changes__0__new__target__hash="x"),
            "/push/changes/0/new/target/hash",
            id="no commit",
        ),
        pytest.param(PULL, b"{}", "/pullrequest", id="no pull request"),
        pytest.param(PULL, body(BITBUCKET_PULL, pullrequest__source=None), "/pullrequest/source", id="no source"),
        pytest.param(
            PULL,
            body(BITBUCKET_PULL, pullrequest__source__commit=None),
            "/pullrequest/source/commit/hash",
            id="no head",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_place(event: str, sent: bytes, pointer: str) -> None:
    with pytest.raises(NotAnEvent) as refused:
        read(sent, event)
    assert refused.value.pointer == pointer


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(Malformed):
        read(b"{")
