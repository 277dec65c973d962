"""Pagure's topics, one by one. Law: the table is of what Pagure's source sends, and is written down a second time here,
not taken from the code.
"""

import json
from typing import Any

import pytest

from sidecar.dialects import pagure
from sidecar.dialects._pagure_topics import TOPICS
from sidecar.errors import NotAnEvent
from sidecar.model import Event, Instance

PULL: dict[str, Any] = {"id": 9, "uid": "a1b2", "status": "Open", "date_created": "1767225600.0", "comments": []}
VALUES: dict[str, Any] = {
    "agent": "octocat",
    "authors": [{"name": "octocat", "fullname": "Octo Cat"}, "of no account"],
    "repo": {"name": "hello"},
    "project": {"name": "hello"},
    "issue": {"id": 7},
    "pullrequest": PULL,
    "pull_request": PULL,
    "request": PULL,
    "comment": {"id": 1, "comment": "hello", "parent": None},
    "flag": {"commit_hash": "8d3c", "status": "success", "percent": 100},
    "fields": ["status"],
    "tags": ["easy", "red"],
    "branch": "main",
    "tag": "v1.0",
    "rev": "8d3c",
    "total_commits": 2,
    "forced": False,
    "changed_files": {"README.md": "M"},
    "pull_request_id": None,
    "merged": True,
    "added_dependency": 3,
    "removed_dependency": [3],
    "new_user": "octocat",
    "access": "commit",
    "branches": None,
    "new_access": "ticket",
    "new_branches": "epel*",
    "removed_groups": ["greeters"],
    "content": "Test message",
}
"""What a member may be; else a text."""

EXPECTED = {
    "git.receive": "total_commits start_commit end_commit old_commit branch forced authors changed_files agent repo "
    "pull_request_id",
    "git.branch.creation": "authors agent repo branch rev",
    "git.branch.deletion": "authors agent repo branch rev",
    "git.tag.creation": "authors agent repo tag rev",
    "git.tag.deletion": "authors agent repo tag rev",
    "commit.flag.added": "repo flag agent",
    "commit.flag.updated": "repo flag agent",
    "issue.new": "issue project agent",
    "issue.drop": "issue project agent",
    "issue.comment.added": "issue project agent",
    "issue.comment.edited": "issue project comment agent",
    "issue.edit": "issue project fields agent",
    "issue.assigned.added": "issue project agent",
    "issue.assigned.reset": "issue project agent",
    "issue.tag.added": "issue project tags agent",
    "issue.tag.removed": "issue project tags agent",
    "issue.dependency.added": "issue project added_dependency agent",
    "issue.dependency.removed": "issue project removed_dependency agent",
    "pull-request.new": "pullrequest agent",
    "pull-request.reopened": "pullrequest agent",
    "pull-request.comment.added": "pullrequest agent",
    "pull-request.updated": "pullrequest agent",
    "pull-request.rebased": "pullrequest agent",
    "pull-request.closed": "pullrequest merged agent",
    "pull-request.comment.edited": "pullrequest project comment agent",
    "pull-request.initial_comment.edited": "pullrequest project agent",
    "pull-request.assigned.added": "pullrequest project agent",
    "pull-request.assigned.reset": "pullrequest project agent",
    "request.assigned.added": "request pullrequest project agent",
    "request.assigned.reset": "request pullrequest project agent",
    "pull-request.tag.added": "pull_request pullrequest project tags agent",
    "pull-request.tag.removed": "pull_request pullrequest project tags agent",
    "pull-request.flag.added": "pullrequest flag agent",
    "pull-request.flag.updated": "pullrequest flag agent",
    "project.edit": "project fields agent",
    "project.forked": "project agent",
    "project.new": "project agent",
    "project.deleted": "project agent",
    "project.user.added": "project new_user access branches agent",
    "project.user.access.updated": "project new_user new_access new_branches agent",
    "project.user.removed": "project removed_user agent",
    "project.group.added": "project new_group access branches agent",
    "project.group.access.updated": "project new_group new_access new_branches agent",
    "project.group.removed": "project removed_groups agent",
    "project.tag.edited": "project old_tag old_tag_description old_tag_color new_tag new_tag_description "
    "new_tag_color agent",
    "project.tag.removed": "project tags agent",
    "group.edit": "",
    "Test.notification": "content",
}
PLAIN = {"pull_request_id", "added_dependency", "removed_dependency", "removed_user", "new_user", "new_group"}
PLAIN |= {"access", "branches", "new_access", "new_branches", "removed_groups"}
PLAIN |= {f"{age}_tag{part}" for age in ("old", "new") for part in ("", "_description", "_color")}
"""Members of whose kind nothing is said."""

NEEDED = [(topic, member) for topic, members in EXPECTED.items() for member in members.split()]
KINDED = [(topic, member) for topic, member in NEEDED if member not in PLAIN]


def good(topic: str) -> dict[str, Any]:
    return {member: VALUES.get(member, "a text") for member in EXPECTED[topic].split()}


def read(topic: str, msg: Any) -> Event:
    raw = json.dumps({"topic": topic, "project": "rpms/hello", "msg": msg}).encode()
    return pagure.read(raw, id="evt-1", now=0, instance=Instance(app_url="https://pagure.example/"))


def test_every_topic_is_known() -> None:
    assert set(TOPICS) == set(EXPECTED)


@pytest.mark.parametrize("topic", EXPECTED)
def test_a_topic_with_all_its_members_is_taken(topic: str) -> None:
    made = read(topic, good(topic))
    envelope = json.loads(made.body)
    added = {"pagure_instance": "https://pagure.example/", "project_fullname": "rpms/hello"}
    assert (envelope["topic"], envelope["msg"]) == (topic, {**good(topic), **added})
    assert (made.name, made.subject) == (topic, "rpms/hello")


@pytest.mark.parametrize("topic", EXPECTED)
def test_a_topic_with_members_of_later_times_is_taken(topic: str) -> None:
    read(topic, {**good(topic), "of later times": [{"what": None}]})


@pytest.mark.parametrize(("topic", "member"), NEEDED)
def test_a_member_that_is_missing_is_named_with_its_topic(topic: str, member: str) -> None:
    msg = good(topic)
    del msg[member]
    with pytest.raises(NotAnEvent) as caught:
        read(topic, msg)
    assert caught.value.pointer == f"/msg/{member}"
    assert caught.value.detail == f"msg.{member} is missing; {topic} needs it"


@pytest.mark.parametrize(("topic", "member"), KINDED)
@pytest.mark.parametrize("wrong", [None, 1.5])
def test_a_member_of_another_kind_is_named(topic: str, member: str, wrong: Any) -> None:
    with pytest.raises(NotAnEvent) as caught:
        read(topic, {**good(topic), member: wrong})
    assert caught.value.pointer == f"/msg/{member}"
    assert f"msg.{member}: expected " in caught.value.detail


@pytest.mark.parametrize("topic", EXPECTED)
@pytest.mark.parametrize("msg", [None, [], "hello", 5])
def test_a_msg_that_is_no_object_is_refused(topic: str, msg: Any) -> None:
    with pytest.raises(NotAnEvent) as caught:
        read(topic, msg)
    assert caught.value.pointer == "/msg"


@pytest.mark.parametrize(
    "topic", ["plugin.measured", "Issue.New", "a-b.c_d.0.9", "group.created", "Test.notification.again"]
)
def test_a_topic_we_do_not_know_passes_with_any_msg(topic: str) -> None:
    assert read(topic, {}).name == topic
    assert read(topic, {"repo": 5, "branch": 7}).refs == ()


@pytest.mark.parametrize(
    ("topic", "member", "name", "refs"),
    [
        ("git.receive", "branch", "main", ("refs/heads/main",)),
        ("git.receive", "branch", "feature/x", ("refs/heads/feature/x",)),
        ("git.receive", "branch", "refs/tags/v1.0", ("refs/tags/v1.0",)),
        ("git.branch.creation", "branch", "main", ("refs/heads/main",)),
        ("git.branch.deletion", "branch", "main", ("refs/heads/main",)),
        ("git.tag.creation", "tag", "v1.0", ("refs/tags/v1.0",)),
        ("git.tag.deletion", "tag", "refs/tags/v1.0", ("refs/tags/v1.0",)),
        ("git.receive", "branch", "", ()),
    ],
)
def test_git_topics_tell_their_ref_in_full(topic: str, member: str, name: str, refs: tuple[str, ...]) -> None:
    assert read(topic, {**good(topic), member: name}).refs == refs


@pytest.mark.parametrize("topic", [topic for topic in EXPECTED if not topic.startswith("git.")])
def test_other_topics_have_none(topic: str) -> None:
    assert read(topic, {**good(topic), "branch": "main", "tag": "v1.0"}).refs == ()
