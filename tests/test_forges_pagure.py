"""Pagure. Law: a case is what was sent and what it tells; and what our own Pagure dialect sends is read."""

from typing import Any

import pytest
from forge_bodies import GONE, NEW, OLD, PAGURE, PAGURE_PULL, PAGURE_PUSH, PAGURE_TAG, ZEROS, body
from msgspec import json

from sidecar import forges
from sidecar.dialects import pagure
from sidecar.errors import Malformed, NotAnEvent
from sidecar.model import Endpoint, Instance, Secret
from sidecar.projects import Change, Ignored, Person, PullRequest, Push, Told

URLS = ("https://pg.example/rpms/nano",)


def read(sent: bytes, **headers: str) -> Told:
    whole = {**PAGURE, **headers}
    return forges.read(forges.which(whole), whole, sent)


def change(told: Told) -> Change:
    assert isinstance(told, Push)
    (one,) = told.changes
    return one


def test_a_push_says_where_from_where_to_which_files_and_by_whom() -> None:
    assert read(body(PAGURE_PUSH)) == Push(
        forge="pagure",
        urls=URLS,
        sender="bob",
        changes=(
            Change(
                ref="refs/heads/main",
                before=OLD,
                after=NEW,
                files=("nano.spec", "old.patch"),
                link=f"https://pg.example/rpms/nano/c/{NEW}",
                author=Person("ana", "Ana"),
            ),
        ),
    )


def test_a_tag_that_was_made_says_the_tag_and_its_commit() -> None:
    told = change(read(body(PAGURE_TAG)))
    assert (told.ref, told.after, told.is_tag) == ("refs/tags/nano-1.2", NEW, True)


def test_a_tag_that_comes_as_a_branch_too_is_one_thing() -> None:
    by_tag = change(read(body(PAGURE_TAG)))
    by_branch = change(read(body(PAGURE_PUSH, msg__branch="nano-1.2", msg__old_commit="^" + ZEROS)))
    assert by_tag.once is not None
    assert by_tag.once == by_branch.once
    assert change(read(body(PAGURE_PUSH, msg__branch="nano-1.2"))).once is None


@pytest.mark.parametrize("old", ["^" + ZEROS, ZEROS, None, ""])
def test_a_new_branch_comes_from_nowhere(old: str | None) -> None:
    told = change(read(body(PAGURE_PUSH, msg__old_commit=old)))
    assert (told.before, told.after, told.files) == ("", NEW, ("nano.spec", "old.patch"))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"msg__forced": True}, "a forced push does not list what it took away"),
        ({"msg__changed_files": GONE}, "the push lists no files"),
        ({"msg__changed_files": {}}, "the push lists no files"),
        ({"msg__changed_files": None}, "the push lists no files"),
    ],
)
def test_where_the_list_of_files_is_short_it_is_no_list(changed: dict[str, Any], why: str) -> None:
    told = change(read(body(PAGURE_PUSH, **changed)))
    assert (told.files, told.unlisted) == (None, why)


def test_a_tag_that_was_moved_is_a_tag() -> None:
    assert change(read(body(PAGURE_PUSH, msg__branch="refs/tags/nano-1.2"))).is_tag


@pytest.mark.parametrize(
    ("sent", "ref"),
    [
        (body(PAGURE_TAG, topic="git.tag.deletion"), "refs/tags/nano-1.2"),
        (body(PAGURE_TAG, topic="git.branch.deletion", msg__tag=GONE, msg__branch="main"), "refs/heads/main"),
    ],
)
def test_a_delete_is_not_treated_as_a_create(sent: bytes, ref: str) -> None:
    told = change(read(sent))
    assert (told.ref, told.deleted, told.before, told.after) == (ref, True, NEW, "")


@pytest.mark.parametrize("topic", ["pull-request.new", "pull-request.updated", "pull-request.rebased"])
def test_a_pull_request_says_its_target_and_the_head_of_the_fork(topic: str) -> None:
    told = read(body(PAGURE_PULL, topic=topic))
    assert isinstance(told, PullRequest)
    assert told == PullRequest(
        forge="pagure",
        urls=URLS,
        number=12,
        target="main",
        after=NEW,
        source_url="https://pg.example/forks/ana/rpms/nano",
        source_repo="forks/ana/rpms/nano",
        source="mend",
        ref="refs/pull/12/head",
        title="Mend it",
        message="It was broken.",
        link="https://pg.example/rpms/nano/pull-request/12",
        author=Person("ana", "Ana"),
        sender="pagure",
        once=told.once,
    )


def test_a_pull_request_from_elsewhere_is_built_from_there() -> None:
    remote = {"msg__pullrequest__repo_from": None, "msg__pullrequest__remote_git": "https://git.example/ana/nano.git"}
    told = read(body(PAGURE_PULL, **remote))
    assert isinstance(told, PullRequest)
    assert told.source_url == "https://git.example/ana/nano.git"


@pytest.mark.parametrize(
    ("sent", "word"),
    [
        (body(PAGURE_PULL, msg__pullrequest__status="Merged"), "'Merged' has nothing to build"),
        (body(PAGURE_PULL, msg__pullrequest__repo_from=None), "comes from is gone"),
        (body(PAGURE_TAG, topic="git.branch.creation"), "git.receive tells"),
        (body(PAGURE_PULL, topic="pull-request.comment.added"), "builds nothing"),
        (body(PAGURE_PULL, topic="pull-request.closed"), "builds nothing"),
        (body({"topic": "issue.new", "msg": None}), "'issue.new' builds nothing"),
        (body({"topic": "Test.notification", "msg": {"content": "Test message"}}), "builds nothing"),
    ],
)
def test_what_builds_nothing_says_why(sent: bytes, word: str) -> None:
    told = read(sent)
    assert isinstance(told, Ignored)
    assert word in told.reason


def test_topic_and_project_are_taken_from_the_body_that_is_signed() -> None:
    told = read(body(PAGURE_PUSH), **{"X-Pagure-Topic": "issue.new", "X-Pagure-project": "other/nano"})
    assert isinstance(told, Push)
    assert told.urls == URLS


def test_where_the_instance_is_not_named_the_repository_is_known_by_its_page() -> None:
    told = read(body(PAGURE_PULL, msg__pagure_instance=GONE))
    assert isinstance(told, PullRequest)
    assert (told.urls, told.source_url) == (URLS, "https://pg.example/forks/ana/rpms/nano")


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        pytest.param(b"null", "", id="null"),
        pytest.param(b"[]", "", id="a list"),
        pytest.param(b"{}", "/topic", id="nothing in it"),
        pytest.param(body(PAGURE_PUSH, msg=None), "/msg", id="no message"),
        pytest.param(body(PAGURE_PUSH, msg__repo=None), "/msg/repo/full_url", id="no repository"),
        pytest.param(body(PAGURE_PUSH, msg__branch=None), "/msg/branch", id="no branch"),
        pytest.param(body(PAGURE_PUSH, msg__branch="a b"), "/msg/branch", id="no branch of git"),
        pytest.param(body(PAGURE_PUSH, msg__end_commit=None), "/msg/end_commit", id="no commit"),
        pytest.param(body(PAGURE_PULL, msg__pullrequest=None), "/msg/pullrequest", id="no pull request"),
        pytest.param(
            body(PAGURE_PULL, msg__pullrequest__commit_stop=None), "/msg/pullrequest/commit_stop", id="no head"
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_place(sent: bytes, pointer: str) -> None:
    with pytest.raises(NotAnEvent) as refused:
        read(sent)
    assert refused.value.pointer == pointer


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(Malformed):
        read(b"{")


def test_what_our_own_pagure_dialect_sends_is_read_and_known_to_be_signed() -> None:
    key, instance = b"K" * 40, Instance(app_url="https://pg.example/")
    document = json.encode({"topic": "git.receive", "project": "rpms/nano", "msg": PAGURE_PUSH["msg"]})
    event = pagure.read(document, id="an-id", now=1_700_000_000_000, instance=instance)
    endpoint = Endpoint("x", "pagure", "http://x", secrets=(Secret(key),))
    request = pagure.write(event, endpoint, delivery=1, attempt=1, now=0, instance=instance)
    headers = dict(request.headers)
    assert forges.which(headers) == "pagure"
    assert forges.read("pagure", headers, request.body) == read(body(PAGURE_PUSH))
    assert forges.verify("pagure", headers, request.body, forges.Keys(forge=(key,)), now=0) == forges.Signed(
        "X-Pagure-Signature-256"
    )
