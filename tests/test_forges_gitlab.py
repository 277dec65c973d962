"""GitLab. Law: a case is what was sent and what it tells."""

from typing import Any

import pytest
from forge_bodies import GITLAB, GITLAB_MERGE, GITLAB_PUSH, GITLAB_TAG, GONE, NEW, OLD, ZEROS, body

from sidecar import forges
from sidecar.errors import Malformed, NotAnEvent
from sidecar.projects import Change, Ignored, Person, PullRequest, Push, Told

URLS = (
    "https://gitlab.example/rpms/nano.git",
    "git@gitlab.example:rpms/nano.git",
    "https://gitlab.example/rpms/nano",
)
ANA = Person(name="Ana", email="ana@example.org")


def read(sent: bytes, **headers: str) -> Told:
    whole = {**GITLAB, **headers}
    return forges.read(forges.which(whole), whole, sent)


def change(told: Told) -> Change:
    assert isinstance(told, Push)
    (one,) = told.changes
    return one


def test_a_push_says_where_from_where_to_which_files_and_by_whom() -> None:
    assert read(body(GITLAB_PUSH)) == Push(
        forge="gitlab",
        urls=URLS,
        sender="bob",
        changes=(
            Change(
                ref="refs/heads/main",
                before=OLD,
                after=NEW,
                files=("nano.spec", "sources"),
                message="Mend it\n\nIt was broken.",
                link=f"https://gitlab.example/rpms/nano/-/commit/{NEW}",
                author=ANA,
            ),
        ),
    )


def test_a_tag_push_says_the_tag_and_its_commit() -> None:
    told = change(read(body(GITLAB_TAG)))
    assert (told.ref, told.before, told.after) == ("refs/tags/nano-1.2", "", NEW)
    assert (told.is_tag, told.deleted, told.message) == (True, False, "Release 1.2")


def test_a_merge_request_says_its_target_and_the_head_of_the_fork() -> None:
    told = read(body(GITLAB_MERGE))
    assert isinstance(told, PullRequest)
    assert told == PullRequest(
        forge="gitlab",
        urls=URLS,
        number=12,
        target="main",
        after=NEW,
        source_url="https://gitlab.example/ana/nano.git",
        source_repo="ana/nano",
        source="mend",
        ref="refs/merge-requests/12/head",
        title="Mend it",
        message="It was broken.",
        link="https://gitlab.example/rpms/nano/-/merge_requests/12",
        author=ANA,
        sender="bob",
        once=told.once,
    )
    assert told.once is not None


COMMIT = {"id": NEW, "added": ["a"], "modified": [], "removed": []}


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        pytest.param(
            body(GITLAB_PUSH, commits=[COMMIT] * 20, total_commits_count=45),
            "the list of commits is cut off at 20 of 45",
            id="only the latest 20 commits are listed",
        ),
        pytest.param(
            body(GITLAB_PUSH, commits=[COMMIT] * 20, total_commits_count=GONE),
            "the list of commits is cut off at 20",
            id="as many as are listed, and no count",
        ),
        pytest.param(
            body(GITLAB_PUSH, before=ZEROS, commits=[], total_commits_count=0),
            "the push lists no commits",
            id="a new branch without new commits (bitrise-webhooks 182)",
        ),
        pytest.param(body(GITLAB_PUSH, commits=GONE), "the push lists no commits", id="by hand, without commits"),
        pytest.param(
            body(GITLAB_PUSH, commits=[{"id": NEW}]), "the push lists commits without their files", id="without files"
        ),
    ],
)
def test_where_the_list_of_files_is_short_it_is_no_list(sent: bytes, why: str) -> None:
    told = change(read(sent))
    assert (told.files, told.unlisted, told.after) == (None, why, NEW)


def test_twenty_commits_of_twenty_are_all_of_them() -> None:
    assert change(read(body(GITLAB_PUSH, commits=[COMMIT] * 20, total_commits_count=20))).files == ("a",)


@pytest.mark.parametrize("document", [GITLAB_PUSH, GITLAB_TAG], ids=["branch", "tag"])
def test_a_delete_is_not_treated_as_a_create(document: Any) -> None:
    told = change(read(body(document, before=OLD, after=ZEROS, checkout_sha=None, commits=[])))
    assert (told.deleted, told.before, told.after) == (True, OLD, "")


def test_a_push_of_an_old_gitlab_names_its_repository_elsewhere() -> None:
    project = {"http_url": "http://gitlab.example/rpms/nano.git", "ssh_url": "git@gitlab.example:rpms/nano.git"}
    told = read(body(GITLAB_PUSH, project=project))
    assert isinstance(told, Push)
    assert told.urls == tuple(project.values())
    told = read(body(GITLAB_PUSH, project=GONE, repository={"git_http_url": "http://gitlab.example/rpms/nano.git"}))
    assert isinstance(told, Push)
    assert told.urls == ("http://gitlab.example/rpms/nano.git",)


@pytest.mark.parametrize(
    ("changed", "is_built"),
    [
        ({}, True),
        ({"object_attributes__action": "reopen"}, True),
        ({"object_attributes__action": "update", "object_attributes__oldrev": OLD}, True),
        ({"object_attributes__action": "update"}, False),
        ({"object_attributes__action": "merge"}, False),
        ({"object_attributes__action": "close"}, False),
        ({"object_attributes__action": "approved"}, False),
        ({"object_attributes__action": None}, False),
        ({"object_attributes__source": None}, False),
    ],
)
def test_a_merge_request_with_new_commits_is_built_and_no_other(changed: dict[str, Any], is_built: bool) -> None:
    told = read(body(GITLAB_MERGE, **changed))
    assert isinstance(told, PullRequest if is_built else Ignored)


@pytest.mark.parametrize("kind", ["note", "pipeline", "issue", "repository_update"])
def test_what_builds_nothing_says_why(kind: str) -> None:
    assert read(body({"object_kind": kind})) == Ignored(
        f"the event {kind!r} builds nothing; push, tag_push and merge_request do"
    )


def test_what_happened_is_in_the_body_that_is_signed_and_not_in_a_header() -> None:
    assert isinstance(read(body(GITLAB_PUSH), **{"X-Gitlab-Event": "Note Hook"}), Push)


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        pytest.param(b"null", "", id="null (copr: 500)"),
        pytest.param(b"[]", "", id="a list (copr: 500)"),
        pytest.param(b"{}", "/object_kind", id="nothing in it"),
        pytest.param(body(GITLAB_PUSH, project=None), "/project/git_http_url", id="no project"),
        pytest.param(body(GITLAB_PUSH, ref="main"), "/ref", id="a short ref"),
        pytest.param(body(GITLAB_PUSH, after="-x"), "/after", id="an option for a commit"),
        pytest.param(body(GITLAB_MERGE, object_attributes=None), "/object_attributes", id="no attributes"),
        pytest.param(
            body(GITLAB_MERGE, object_attributes__last_commit=None), "/object_attributes/last_commit", id="no commit"
        ),
        pytest.param(
            body(GITLAB_MERGE, object_attributes__source={"git_http_url": "ext::sh"}),
            "/object_attributes/source/git_http_url",
            id="a fork that git would run",
        ),
        pytest.param(body(GITLAB_MERGE, object_attributes__iid="12"), "/object_attributes/iid", id="text for a number"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_place(sent: bytes, pointer: str) -> None:
    with pytest.raises(NotAnEvent) as refused:
        read(sent)
    assert refused.value.pointer == pointer


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(Malformed):
        read(b"{")
