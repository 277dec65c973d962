"""GitHub; Gitea and Forgejo, which send the same with differences. Law: a case is what was sent and what it tells."""

from typing import Any
from urllib.parse import quote_plus

import pytest
from forge_bodies import GITEA, GITHUB, GITHUB_PULL, GITHUB_PUSH, GITHUB_TAG, GONE, NEW, OLD, ZEROS, body

from sidecar import forges
from sidecar.errors import Malformed, NotAnEvent
from sidecar.projects import Change, Ignored, Person, Ping, PullRequest, Push, Told

URLS = (
    "https://github.com/rpms/nano.git",
    "git@github.com:rpms/nano.git",
    "git://github.com/rpms/nano.git",
    "https://github.com/rpms/nano",
)


def read(event: str, sent: bytes, base: dict[str, str] = GITHUB, content_type: str = "application/json") -> Told:
    names = [name for name in base if name.endswith("-Event")]
    whole = {**base, **dict.fromkeys(names, event), "Content-Type": content_type}
    return forges.read(forges.which(whole), whole, sent)


def change(told: Told) -> Change:
    assert isinstance(told, Push)
    (one,) = told.changes
    return one


def test_a_push_says_where_from_where_to_which_files_and_by_whom() -> None:
    assert read("push", body(GITHUB_PUSH)) == Push(
        forge="github",
        urls=URLS,
        sender="bob",
        changes=(
            Change(
                ref="refs/heads/main",
                before=OLD,
                after=NEW,
                files=("nano.spec", "old.patch", "sources"),
                message="Mend it\n\nIt was broken.",
                link=str(GITHUB_PUSH["compare"]),
                author=Person("ana", "Ana", "ana@example.org"),
            ),
        ),
    )


def test_a_pull_request_says_its_target_and_the_head_of_the_fork() -> None:
    told = read("pull_request", body(GITHUB_PULL))
    assert isinstance(told, PullRequest)
    assert told.once is not None
    assert told == PullRequest(
        forge="github",
        urls=URLS,
        number=12,
        target="main",
        before=OLD,
        after=NEW,
        source_url="https://github.com/ana/nano.git",
        source_repo="ana/nano",
        source="mend",
        ref="refs/pull/12/head",
        title="Mend it",
        message="It was broken.",
        link="https://github.com/rpms/nano/pull/12",
        author=Person("ana"),
        sender="bob",
        once=told.once,
    )


CASES: list[Any] = [
    ("push", body(GITHUB_PUSH, commits=[]), "a push without commits, which must build (copr: dependence on commits)"),
    ("push", body(GITHUB_PUSH, commits=GONE, head_commit=GONE), "a push made by hand, without a list of commits"),
    ("push", body(GITHUB_PUSH, commits=None, head_commit=None), "a push whose lists are null"),
    ("push", body(GITHUB_PUSH, commits=[{"id": NEW}]), "commits that do not list files"),
    ("push", body(GITHUB_PUSH, commits=[{"added": [], "removed": [], "modified": []}]), "a merge that lists no files"),
    ("push", body(GITHUB_PUSH, commits=[{"added": None, "removed": None, "modified": None}]), "nulls for lists"),
    ("push", body(GITHUB_PUSH, forced=True), "a forced push, which does not list what it took away"),
    ("push", body(GITHUB_PUSH, commits=[{"added": [str(n)]} for n in range(2048)]), "as many commits as are listed"),
    ("push", body(GITHUB_PUSH, before=ZEROS, created=True, commits=[]), "a new branch on an old commit"),
]


@pytest.mark.parametrize(("event", "sent"), [pytest.param(*case[:2], id=case[2]) for case in CASES])
def test_where_the_list_of_files_is_short_it_is_no_list(event: str, sent: bytes) -> None:
    told = change(read(event, sent))
    assert told.files is None
    assert told.unlisted
    assert (told.after, told.deleted) == (NEW, False)


@pytest.mark.parametrize("base", [GITHUB, GITEA], ids=["github", "gitea"])
def test_a_tag_builds_by_push_alone_by_create_alone_and_once_by_both(base: dict[str, str]) -> None:
    pushed = body(GITHUB_PUSH, ref="refs/tags/nano-1.2", before=ZEROS, created=True, commits=[])
    by_push, by_create = change(read("push", pushed, base)), change(read("create", body(GITHUB_TAG), base))
    assert (by_push.ref, by_push.after) == ("refs/tags/nano-1.2", NEW)
    assert (by_create.ref, by_create.after) == ("refs/tags/nano-1.2", "")
    assert by_push.once is not None
    assert by_push.once == by_create.once


def test_a_tag_that_is_deleted_and_made_again_minutes_later_builds_again() -> None:
    once = change(read("create", body(GITHUB_TAG))).once
    assert once is not None
    assert once.within <= 2 * 60_000


def test_a_tag_that_was_moved_builds_again() -> None:
    assert change(read("push", body(GITHUB_PUSH, ref="refs/tags/nano-1.2", forced=True))).once is None


@pytest.mark.parametrize(
    ("event", "sent", "ref"),
    [
        ("push", body(GITHUB_PUSH, after=ZEROS, deleted=True, head_commit=None, commits=[]), "refs/heads/main"),
        ("push", body(GITHUB_PUSH, after=ZEROS, deleted=GONE, head_commit=None, commits=[]), "refs/heads/main"),
        ("push", body(GITHUB_PUSH, ref="refs/tags/nano-1.2", after=ZEROS, deleted=True), "refs/tags/nano-1.2"),
        ("delete", body(GITHUB_TAG), "refs/tags/nano-1.2"),
    ],
)
def test_a_delete_is_not_treated_as_a_create(event: str, sent: bytes, ref: str) -> None:
    told = change(read(event, sent))
    assert (told.ref, told.deleted, told.after) == (ref, True, "")


@pytest.mark.parametrize(
    ("event", "sent", "word"),
    [
        ("create", body(GITHUB_TAG, ref_type="branch"), "the push event tells"),
        ("delete", body(GITHUB_TAG, ref_type="branch"), "the push event tells"),
        ("pull_request", body(GITHUB_PULL, action="closed"), "'closed' has nothing new to build"),
        ("pull_request", body(GITHUB_PULL, action="labeled"), "'labeled' has nothing new to build"),
        ("pull_request", body(GITHUB_PULL, action=None), "has nothing new to build"),
        ("pull_request", body(GITHUB_PULL, pull_request__head__repo=None), "comes from is gone"),
        ("release", b"{}", "the event 'release' builds nothing"),
        ("issues", b"no JSON at all", "the event 'issues' builds nothing"),
        ("x\n" * 99, b"{}", "builds nothing"),
    ],
)
def test_what_builds_nothing_says_why(event: str, sent: bytes, word: str) -> None:
    told = read(event, sent)
    assert isinstance(told, Ignored)
    assert word in told.reason
    assert "\n" not in told.reason


@pytest.mark.parametrize("action", ["opened", "synchronize", "reopened"])
def test_a_pull_request_with_something_new_is_built(action: str) -> None:
    told = read("pull_request", body(GITHUB_PULL, action=action))
    assert isinstance(told, PullRequest)
    assert (told.once is None) == (action == "reopened"), "closing and opening again is how people ask for a new build"


def test_a_ping_is_answered() -> None:
    assert read("ping", body({"zen": "Design for failure.", "hook_id": 1})) == Ping("github")


def test_json_in_a_form_is_read_too_as_github_s_page_offers_first() -> None:
    """indilib/indi 1220; copr answers 415."""
    form = b"payload=" + quote_plus(body(GITHUB_PUSH)).encode()
    for content_type in ("application/x-www-form-urlencoded", "Application/X-WWW-Form-Urlencoded; charset=utf-8"):
        assert change(read("push", form, content_type=content_type)).after == NEW


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "text/plain", ""])
def test_json_is_json_whatever_it_is_called(content_type: str) -> None:
    """copr 2474 and 2416: odd content types."""
    assert change(read("push", body(GITHUB_PUSH), content_type=content_type)).after == NEW


@pytest.mark.parametrize(
    "form", [b"", b"other=1", b"payload=1&payload=2", b"payload=%ff", b"payload", b"\xff", b"&" * 99, b"payload="]
)
def test_a_form_that_has_no_payload_is_refused(form: bytes) -> None:
    with pytest.raises(Malformed):
        read("push", form, content_type="application/x-www-form-urlencoded")


WHERE = "/repository/clone_url"
REFUSED: list[Any] = [
    ("null (copr: 500)", b"null", ""),
    ("a list (copr: 500)", b"[]", ""),
    ("nothing in it", b"{}", WHERE),
    ("a number for a ref", body(GITHUB_PUSH, ref=5), "/ref"),
    ("no ref", body(GITHUB_PUSH, ref=None), "/ref"),
    ("a short ref", body(GITHUB_PUSH, ref="main"), "/ref"),
    ("an option for a ref", body(GITHUB_PUSH, ref="refs/heads/--upload-pack=x"), "/ref"),
    ("an option for a commit", body(GITHUB_PUSH, after="--upload-pack=x"), "/after"),
    (
        "a repository that git would run",
        body(GITHUB_PUSH, repository={"clone_url": "ext::sh -c x"}),
        "/repository/clone_url",
    ),
    ("a repository on the disk", body(GITHUB_PUSH, repository={"clone_url": "file:///etc"}), WHERE),
    ("null for the repository", body(GITHUB_PUSH, repository=None), WHERE),
    ("text for the commits", body(GITHUB_PUSH, commits="x"), "/commits"),
    ("a number for a file", body(GITHUB_PUSH, commits__0__added=[1]), ""),
]


@pytest.mark.parametrize(("sent", "pointer"), [pytest.param(*case[1:], id=case[0]) for case in REFUSED])
def test_what_is_no_push_is_refused_with_the_place(sent: bytes, pointer: str) -> None:
    with pytest.raises(NotAnEvent) as refused:
        read("push", sent)
    assert refused.value.pointer == pointer or not pointer


@pytest.mark.parametrize(
    "changed",
    [
        {"number": 0},
        {"number": 10**400},
        {"pull_request": None},
        {"pull_request__head": None},
        {"pull_request__head__sha": ZEROS},
        {"pull_request__head__ref": "-x"},
        {"pull_request__head__repo": {"clone_url": "ext::sh"}},
        {"pull_request__base__ref": None},
        {"pull_request__base__repo": {}, "repository": {}},
    ],
)
def test_a_pull_request_that_cannot_be_built_safely_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises((NotAnEvent, Malformed)):
        read("pull_request", body(GITHUB_PULL, **changed))


@pytest.mark.parametrize("sent", [b"", b"{", b"\xff", b'{"ref":"\\ud800"}', b"[" * 100_000, b"1" * 5000])
def test_what_is_no_json_is_refused(sent: bytes) -> None:
    with pytest.raises((Malformed, NotAnEvent)):
        read("push", sent)


def test_gitea_lists_five_commits_and_says_how_many_there_are() -> None:
    commit = {"id": NEW, "added": ["a"], "removed": None, "modified": None}
    whole = body(GITHUB_PUSH, commits=[commit] * 5, total_commits=5)
    short = body(GITHUB_PUSH, commits=[commit] * 5, total_commits=9)
    assert change(read("push", whole, GITEA)).files == ("a",)
    assert change(read("push", short, GITEA)).unlisted == "the list of commits is cut off at 5 of 9"


def test_gitea_says_synchronized_where_github_says_synchronize() -> None:
    told = read("pull_request", body(GITHUB_PULL, action="synchronized"), GITEA)
    assert isinstance(told, PullRequest)
    assert told.forge == "gitea"


def test_gitea_says_the_commit_of_a_new_tag() -> None:
    assert change(read("create", body(GITHUB_TAG, sha=NEW), GITEA)).after == NEW


def test_gitea_has_a_link_of_another_name() -> None:
    told = change(read("push", body(GITHUB_PUSH, compare=GONE, compare_url="https://gitea.example/c"), GITEA))
    assert told.link == "https://gitea.example/c"
