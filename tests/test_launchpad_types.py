"""Launchpad's event types, one by one. Law: the payloads are written from its documentation and its source, not from
the code; where the two differ, both are taken.
"""

import json
from typing import Any

import pytest

from sidecar.dialects import launchpad
from sidecar.dialects._launchpad_types import TYPES
from sidecar.errors import NotAnEvent
from sidecar.model import Event, Instance

GIT, SNAP, RECIPE, PPA = "/~u/p/+git/r", "/~u/+snap/s", "/~u/p/+oci/o/+recipe/r", "/~u/+archive/ubuntu/ppa"
BUILD = {"action": "status-changed", "status": "Successfully built"}
ARCHIVE = {"action": "status-changed", "archive": PPA}
BUG = {"target": "/p", "bug": "/bugs/1"}
PROPOSAL = {"source_git_path": "refs/heads/topic", "target_git_path": "refs/heads/main", "queue_status": "Needs review"}
MERGE = GIT + "/+merge/9"

GOOD: list[tuple[str, dict[str, Any], str]] = [
    ("ping", {"ping": True}, "ping"),
    ("git:push:0.1", {"git_repository": GIT, "git_repository_path": "p", "ref_changes": {}}, GIT),
    (
        "bzr:push:0.1",
        {"bzr_branch": "/~u/p/b", "bzr_branch_path": "~u/p/b", "old": {"revision_id": "1"}, "new": {}},
        "/~u/p/b",
    ),
    ("merge-proposal:0.1", {"action": "created", "new": PROPOSAL, "merge_proposal": MERGE}, MERGE),
    ("merge-proposal:0.1", {"action": "modified", "old": PROPOSAL, "new": PROPOSAL, "merge_proposal": MERGE}, MERGE),
    ("merge-proposal:0.1", {"action": "reviewed", "old": PROPOSAL, "new": PROPOSAL, "merge_proposal": MERGE}, MERGE),
    ("merge-proposal:0.1", {"action": "deleted", "old": PROPOSAL, "merge_proposal": MERGE}, MERGE),
    ("ci:build:0.1", {"build": GIT + "/+build/5", "git_repository": GIT, "commit_sha1": "8d3c", **BUILD}, GIT),
    (
        "snap:build:0.1",
        {"snap_build": SNAP + "/+build/6", "snap": SNAP, "store_upload_status": "Uploaded", **BUILD},
        SNAP,
    ),
    (
        "livefs:build:0.1",
        {"livefs_build": "/~u/+livefs/l/+build/7", "livefs": "/~u/+livefs/l", **BUILD},
        "/~u/+livefs/l",
    ),
    (
        "ocrecipe:build:0.1",
        {"ocirecipe_build": RECIPE + "/+build/8", "ocirecipe": RECIPE, "registry_upload_status": "Pending", **BUILD},
        RECIPE,
    ),
    (
        "oci-recipe:build:0.1",
        {"recipe_build": RECIPE + "/+build/8", "recipe": RECIPE, "registry_upload_status": "Pending", **BUILD},
        RECIPE,
    ),
    (
        "charm-recipe:build:0.1",
        {"recipe_build": RECIPE + "/+build/8", "recipe": RECIPE, "store_upload_status": "Pending", **BUILD},
        RECIPE,
    ),
    ("craft-recipe:build:0.1", {"craft_build": RECIPE + "/+build/8", "recipe": RECIPE, **BUILD}, RECIPE),
    ("bug:0.1", {"action": "created", "new": {"title": "It", "reporter": "/~u"}, **BUG}, "/bugs/1"),
    ("bug:0.1", {"action": "status-changed", "new": {"reported": "/~u"}, "old": {"reported": "/~u"}, **BUG}, "/bugs/1"),
    (
        "bug:comment:0.1",
        {"action": "created", "bug_comment": "/bugs/1/comments/2", "new": {"commenter": "/~u"}, **BUG},
        "/bugs/1",
    ),
    (
        "bug:comment:0.1",
        {"action": "content-changed", "bug_comment": "/bugs/1/comments/2", "new": {}, "old": {}, **BUG},
        "/bugs/1",
    ),
    (
        "archive:source-package-upload:0.1",
        {"package_upload": "/ubuntu/+upload/1", "status": "ACCEPTED", **ARCHIVE},
        PPA,
    ),
    (
        "archive:binary-package-upload:0.1",
        {"package_upload": "/ubuntu/+upload/1", "status": "REJECTED", "source_package_name": "hello", **ARCHIVE},
        PPA,
    ),
    (
        "archive:binary-build:0.1",
        {
            "build": PPA + "/+build/9",
            "status": "FULLYBUILT",
            "source_package_name": "hello",
            "buildlog": None,
            **ARCHIVE,
        },
        PPA,
    ),
]

SUBS = [
    *[f"merge-proposal:0.1::{sub}" for sub in ("create", "push", "review", "edit", "status-change", "delete")],
    *[f"archive:source-package-upload:0.1::{sub}" for sub in ("accepted", "rejected")],
    *[f"archive:binary-build:0.1::{sub}" for sub in ("fullybuilt", "failedtobuild", "chrootwait", "cancelled")],
    *[f"archive:binary-build:0.1::{sub}" for sub in ("failedtoupload", "superseded")],
]

UNTYPED = {"ping", "store_upload_status", "registry_upload_status", "source_package_name", "buildlog"}
"""Members of whose kind nothing is said."""

NEEDED = [(name, payload, member) for name, payload, _ in GOOD for member in payload]
KINDED = [row for row in NEEDED if row[2] not in UNTYPED]


def read(type: str, payload: Any, **rest: Any) -> Event:
    raw = json.dumps({"type": type, "payload": payload, **rest}).encode()
    return launchpad.read(raw, id="evt-1", now=0, instance=Instance())


def refused(type: str, payload: Any, pointer: str) -> str:
    with pytest.raises(NotAnEvent) as caught:
        read(type, payload)
    assert caught.value.pointer == pointer
    return caught.value.detail


def test_every_type_is_known() -> None:
    assert set(TYPES) == {name for name, _, _ in GOOD}


@pytest.mark.parametrize(("type", "payload", "subject"), GOOD)
def test_a_payload_with_all_its_members_is_taken(type: str, payload: dict[str, Any], subject: str) -> None:
    made = read(type, payload)
    assert (made.name, made.subject) == (type, subject)
    assert json.loads(made.body) == payload


@pytest.mark.parametrize(("type", "payload"), [row[:2] for row in GOOD])
def test_a_payload_with_members_of_later_times_is_taken(type: str, payload: dict[str, Any]) -> None:
    """Launchpad may add some without a new version."""
    read(type, {**payload, "build_request": None, "package_name": "hello", "of later times": [1]})


@pytest.mark.parametrize(("type", "payload", "member"), NEEDED)
def test_a_member_that_is_missing_is_named_with_its_type(type: str, payload: dict[str, Any], member: str) -> None:
    rest = {name: value for name, value in payload.items() if name != member}
    detail = refused(type, rest, f"/payload/{member}")
    assert detail.startswith(f"payload.{member} is missing; {type}")


@pytest.mark.parametrize(("type", "payload", "member"), KINDED)
@pytest.mark.parametrize("wrong", [7, 1.5, True, []])
def test_a_member_of_another_kind_is_named(type: str, payload: dict[str, Any], member: str, wrong: Any) -> None:
    detail = refused(type, {**payload, member: wrong}, f"/payload/{member}")
    assert f"payload.{member}: expected " in detail


@pytest.mark.parametrize(("type", "payload"), [row[:2] for row in GOOD])
def test_an_empty_payload_is_refused(type: str, payload: dict[str, Any]) -> None:
    with pytest.raises(NotAnEvent, match=type):
        read(type, {})


@pytest.mark.parametrize("type", SUBS)
def test_a_sub_type_has_its_parents_payload(type: str) -> None:
    parent = type.partition("::")[0]
    payload, subject = next((payload, subject) for name, payload, subject in GOOD if name == parent)
    made = read(type, payload)
    assert (made.name, made.subject) == (type, subject)
    with pytest.raises(NotAnEvent, match=f"; {parent} needs it"):
        read(type, {})


def test_what_was_before_is_absent_for_what_is_new_alone() -> None:
    proposal = {"new": PROPOSAL, "merge_proposal": MERGE}
    assert read("merge-proposal:0.1", {"action": "created", "old": None, **proposal})
    detail = refused("merge-proposal:0.1", {"action": "modified", **proposal}, "/payload/old")
    assert detail == "payload.old is missing; merge-proposal:0.1, unless its action is created, needs it"
    refused("merge-proposal:0.1", {"action": "deleted", "new": PROPOSAL, "merge_proposal": MERGE}, "/payload/old")
    refused("merge-proposal:0.1", {"action": "created", "old": PROPOSAL, "merge_proposal": MERGE}, "/payload/new")
    refused("bug:0.1", {"action": "tags-changed", "new": {}, **BUG}, "/payload/old")


@pytest.mark.parametrize("type", ["git:push:0.2", "rust:build:0.1", "a_b-C:1", "x:y:z:1.2.3::sub-2", "bug:0.1.1"])
def test_a_type_we_do_not_know_passes_with_any_payload(type: str) -> None:
    made = read(type, {"git_repository": 5, "ref_changes": 7})
    assert (made.name, made.subject, made.refs) == (type, type.partition("::")[0], ())


@pytest.mark.parametrize(("type", "payload", "subject"), GOOD)
def test_a_target_is_the_subject_where_it_is_told(type: str, payload: dict[str, Any], subject: str) -> None:
    assert read(type, payload, target="/p").subject == "/p"
    assert read(type, payload, target="").subject == read(type, payload, target=None).subject == subject


def test_an_object_without_path_leaves_its_type() -> None:
    push = {"git_repository": "", "git_repository_path": "p", "ref_changes": {}}
    assert read("git:push:0.1", push).subject == "git:push:0.1"
