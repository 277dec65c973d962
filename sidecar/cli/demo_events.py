"""What the demo hands in: one event of every kind that Drone, Pagure and Launchpad know. Law: data alone; of Pagure's
and Launchpad's, what their tables say that such an event must have."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sidecar.dialects import launchpad, pagure

USER: dict[str, Any] = {
    "id": 7,
    "login": "octocat",
    "email": "octocat@example.org",
    "machine": False,
    "admin": True,
    "active": True,
    "avatar": "https://example.org/octocat.png",
    "syncing": False,
    "synced": 1767225600,
    "created": 1767225600,
    "updated": 1767225600,
    "last_login": 1767225600,
}
REPO: dict[str, Any] = {
    "id": 42,
    "uid": "4242",
    "user_id": 7,
    "namespace": "octocat",
    "name": "hello-world",
    "slug": "octocat/hello-world",
    "scm": "git",
    "git_http_url": "https://git.example.org/octocat/hello-world.git",
    "git_ssh_url": "git@git.example.org:octocat/hello-world.git",
    "link": "https://git.example.org/octocat/hello-world",
    "default_branch": "main",
    "private": False,
    "visibility": "public",
    "active": True,
    "config_path": ".drone.yml",
    "timeout": 60,
    "counter": 1,
    "created": 1767225600,
    "updated": 1767225600,
}
BUILD: dict[str, Any] = {
    "id": 1001,
    "repo_id": 42,
    "trigger": "@hook",
    "number": 1,
    "status": "pending",
    "event": "push",
    "action": "",
    "link": "https://git.example.org/octocat/hello-world/commit/8d3c1f2",
    "message": "say hello",
    "before": "1f0a7b64c9c5b02d3f7e9b8e8a4d6c5b3a291807",
    "after": "8d3c1f2a9b7e6d5c4b3a29180f1e2d3c4b5a6978",
    "ref": "refs/heads/main",
    "source": "main",
    "target": "main",
    "author_login": "octocat",
    "sender": "octocat",
    "started": 0,
    "finished": 0,
    "created": 1767225600,
    "updated": 1767225600,
    "version": 1,
}
DONE = {**BUILD, "status": "success", "started": 1767225601, "finished": 1767225660, "version": 2}
FAILED = {**DONE, "status": "failure", "version": 3}

Json = dict[str, Any]


class Kind(NamedTuple):
    """One event: its name, and what is handed in."""

    name: str
    given: Json


DRONE: tuple[Json, ...] = (
    *({"event": "user", "action": action, "user": USER} for action in ("created", "updated", "deleted")),
    {"event": "repo", "action": "enabled", "user": USER, "repo": REPO},
    *({"event": "repo", "action": action, "repo": REPO} for action in ("disabled", "updated", "deleted")),
    {"event": "build", "action": "created", "user": USER, "repo": REPO, "build": BUILD},
    {"event": "build", "action": "updated", "repo": REPO, "build": DONE},
)
RETRIED = Kind("build:updated", {"event": "build", "action": "updated", "repo": REPO, "build": FAILED})
"""The one whose receiver fails at first."""

FILLED: Mapping[type, object] = {dict: {"name": "hello-world"}, list: [], str: "octocat", bool: False, int: 1}
"""By kind, what stands for a member."""

PROJECT, TARGET = "octocat/hello-world", "/~octocat/+git/hello-world"


def _filled(members: tuple[str, ...], kinds: Mapping[str, type]) -> Json:
    return {name: FILLED[kinds.get(name, str)] for name in members}


def _launchpad(name: str, row: launchpad.Type) -> Json:
    payload = _filled((*row.keys, *row.unless), launchpad.KINDS)
    known = {row.about: TARGET, "ref_changes": {"refs/heads/main": {}}}
    return {"type": name, "payload": payload | {name: known[name] for name in payload.keys() & known.keys()}}


EVENTS: Mapping[str, tuple[Kind, ...]] = {
    "drone": tuple(Kind(f"{event['event']}:{event['action']}", event) for event in DRONE),
    "pagure": tuple(
        Kind(topic, {"topic": topic, "project": PROJECT, "msg": _filled(members, pagure.KINDS)})
        for topic, members in pagure.TOPICS.items()
        if topic != pagure.PING
    ),
    "launchpad": tuple(Kind(name, _launchpad(name, row)) for name, row in launchpad.TYPES.items() if name != "ping"),
}
"""By dialect; its test event is sent by a ping."""
