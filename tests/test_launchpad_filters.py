"""Which of Launchpad's events an endpoint gets. Law: the ref patterns are the documentation's own examples, and what it
promises for each type of event.
"""

import json
from typing import Any

import pytest

from sidecar.dialects import launchpad
from sidecar.errors import NotAnEvent
from sidecar.model import Endpoint, Event, Instance

GIT = "/~u/p/+git/r"
BUILD = {"build": "/b", "action": "created", "git_repository": GIT, "commit_sha1": "8d3c", "status": "Needs building"}
LIVEFS = {"livefs_build": "/l/+build/7", "action": "created", "livefs": "/l", "status": "Needs building"}
CHANGE = {"old": None, "new": {"commit_sha1": "8d3c"}}


def read(type: str, payload: dict[str, Any]) -> Event:
    return launchpad.read(
        json.dumps({"type": type, "payload": payload}).encode(), id="evt-1", now=0, instance=Instance()
    )


def push(*refs: str) -> Event:
    changes = dict.fromkeys(refs, CHANGE)
    return read("git:push:0.1", {"git_repository": GIT, "git_repository_path": "p", "ref_changes": changes})


def proposal(sub: str = "", **ages: Any) -> Event:
    action = "created" if "old" not in ages else "deleted" if "new" not in ages else "modified"
    return read(f"merge-proposal:0.1{sub}", {"action": action, "merge_proposal": "/m", **ages})


def paths(source: str | None, target: str | None) -> dict[str, Any]:
    return {"source_git_path": source, "target_git_path": target}


def build(**rest: Any) -> Event:
    return read("ci:build:0.1", {**BUILD, **rest})


def rule(event: Event, *patterns: str, events: tuple[str, ...] = ()) -> str:
    return launchpad.wants(event, Endpoint("e", "launchpad", "", events=events, refs=patterns))


@pytest.mark.parametrize(
    ("pattern", "ref", "passes"),
    [
        ("refs/heads/main", "refs/heads/main", True),
        ("refs/heads/main", "refs/heads/main2", False),
        ("refs/heads/main", "refs/heads/Main", False),
        ("refs/heads/main", "refs/tags/main", False),
        ("*foo*", "refs/heads/foo", True),
        ("*foo*", "refs/tags/a/foobar", True),
        ("*foo*", "refs/heads/fo", False),
        ("refs/heads/*", "refs/heads/main", True),
        ("refs/heads/*", "refs/heads/feature/x", True),
        ("refs/heads/*", "refs/tags/main", False),
        ("refs/heads/foo[-_]bar", "refs/heads/foo-bar", True),
        ("refs/heads/foo[-_]bar", "refs/heads/foo_bar", True),
        ("refs/heads/foo[-_]bar", "refs/heads/foo.bar", False),
        ("refs/heads/foo[-_]bar", "refs/heads/foobar", False),
        ("refs/heads/foo[!-]*", "refs/heads/foobar", True),
        ("refs/heads/foo[!-]*", "refs/heads/foo_bar/baz", True),
        ("refs/heads/foo[!-]*", "refs/heads/foo-bar", False),
        ("refs/heads/foo[!-]*", "refs/heads/foo", False),
        ("refs/heads/?", "refs/heads/x", True),
        ("refs/heads/?", "refs/heads/xy", False),
        ("*", "refs/heads/main", True),
    ],
)
def test_a_pattern_means_what_is_documented(pattern: str, ref: str, passes: bool) -> None:
    expected = "" if passes else f"no ref pattern of {pattern} matches {ref}"
    assert rule(push(ref), pattern) == expected
    assert rule(build(git_refs=[ref]), pattern) == expected
    assert rule(proposal(new=paths(ref, None)), pattern) == expected


def test_a_push_passes_with_any_of_the_refs_it_changed() -> None:
    event = push("refs/heads/a", "refs/tags/1", "refs/heads/main")
    assert event.refs == ("refs/heads/a", "refs/tags/1", "refs/heads/main")
    assert rule(event, "refs/heads/main") == ""
    assert rule(event, "refs/heads/b") == (
        "no ref pattern of refs/heads/b matches refs/heads/a refs/tags/1 refs/heads/main"
    )


def test_a_push_of_many_refs_is_told_in_short() -> None:
    event = push(*[f"refs/tags/{number}" for number in range(5000)])
    assert rule(event, "x").endswith("matches refs/tags/0 refs/tags/1 refs/tags/2 or 4997 more")


def test_a_push_that_changed_no_ref_passes_no_pattern_and_goes_out_without_one() -> None:
    assert rule(push(), "*") == "no ref pattern of * matches a push that changed no ref"
    assert rule(push()) == ""


def test_a_build_that_tells_of_no_ref_passes() -> None:
    """As in Launchpad, which knows the refs of a build only sometimes."""
    assert rule(build(), "refs/heads/main") == ""
    assert rule(build(git_refs=None), "refs/heads/main") == ""
    assert rule(build(git_refs=["refs/heads/a", "refs/heads/main"]), "refs/heads/main") == ""
    assert rule(build(git_refs=["refs/heads/a"]), "refs/heads/main") != ""


def test_a_proposal_passes_with_its_source_or_its_target_before_or_after() -> None:
    old, new = paths("refs/heads/a", "refs/heads/b"), paths("refs/heads/a", "refs/heads/c")
    event = proposal("::edit", old=old, new=new)
    assert event.refs == ("refs/heads/a", "refs/heads/c", "refs/heads/b")
    for name in "abc":
        assert rule(event, f"refs/heads/{name}") == ""
    assert rule(event, "refs/heads/d") != ""
    assert rule(proposal(new=new), "*/c") == rule(proposal(old=old), "*/b") == ""
    assert rule(proposal(new=new), "*/b") != ""


def test_a_proposal_in_bazaar_has_no_ref_and_passes() -> None:
    assert rule(proposal(new={**paths(None, None), "source_branch": "/~u/p/b"}), "refs/heads/*") == ""


def test_what_is_not_of_git_passes() -> None:
    for name in ("livefs:build:0.1", "rust:build:0.1", "git:push:0.2"):
        assert rule(read(name, LIVEFS), "refs/heads/*") == ""


@pytest.mark.parametrize(
    ("payload", "pointer"),
    [
        ({**BUILD, "git_refs": "main"}, "/payload/git_refs"),
        ({**BUILD, "git_refs": ["main", 5]}, "/payload/git_refs/1"),
    ],
)
def test_refs_of_another_kind_are_named(payload: dict[str, Any], pointer: str) -> None:
    with pytest.raises(NotAnEvent) as caught:
        read("ci:build:0.1", payload)
    assert caught.value.pointer == pointer


def test_changes_and_paths_of_another_kind_are_named() -> None:
    changes = {"refs/heads/a": CHANGE, "refs/heads/~b": 5}
    with pytest.raises(NotAnEvent) as caught:
        read("git:push:0.1", {"git_repository": GIT, "git_repository_path": "p", "ref_changes": changes})
    assert caught.value.pointer == "/payload/ref_changes/refs~1heads~1~0b"
    with pytest.raises(NotAnEvent) as caught:
        proposal(new={"target_git_path": 5})
    assert caught.value.pointer == "/payload/new/target_git_path"


@pytest.mark.parametrize(
    ("glob", "plain", "edited", "pushed"),
    [
        ("merge-proposal:0.1", True, True, True),
        ("merge-proposal:*", True, True, True),
        ("*", True, True, True),
        ("merge-proposal:0.1::push", False, False, True),
        ("merge-proposal:0.1::*", False, True, True),
        ("merge-proposal:0.1::[!p]*", False, False, True),
        ("merge-proposal:0.1::[^p]*", False, True, False),
        ("merge-proposal", False, False, False),
        ("git:push:0.1", False, False, False),
    ],
)
def test_a_glob_matches_the_type_with_its_sub_type_or_without(
    glob: str, plain: bool, edited: bool, pushed: bool
) -> None:
    """Globs are Go's: it is `[^p]` that negates."""
    for sub, passes in (("", plain), ("::edit", edited), ("::push", pushed)):
        event = proposal(sub, new=paths("refs/heads/a", "refs/heads/b"))
        assert rule(event, events=(glob,)) == ("" if passes else f"no glob of {glob} matches {event.name}")


def test_a_type_and_a_ref_must_both_pass() -> None:
    event = push("refs/heads/main")
    assert rule(event, "refs/heads/*", events=("bug:*", "git:*")) == ""
    assert "no glob" in rule(event, "refs/heads/*", events=("bug:*",))
    assert "no ref" in rule(event, "refs/tags/*", events=("git:*",))


def test_a_ping_passes_every_filter_of_its_dialect() -> None:
    ours = launchpad.ping(id="evt-ping", now=0, instance=Instance())
    for ping in (ours, read("ping", {"ping": True})):
        assert rule(ping, "refs/tags/*", events=("bug:*",)) == ""
        assert "dialect is drone" in launchpad.wants(ping, Endpoint("e", "drone", ""))
