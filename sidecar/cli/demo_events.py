"""What the demo hands in: one event of every kind a Drone server knows. Law: data alone, made for this."""

from typing import Any

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

EVENTS: tuple[dict[str, Any], ...] = (
    *({"event": "user", "action": action, "user": USER} for action in ("created", "updated", "deleted")),
    {"event": "repo", "action": "enabled", "user": USER, "repo": REPO},
    *({"event": "repo", "action": action, "repo": REPO} for action in ("disabled", "updated", "deleted")),
    {"event": "build", "action": "created", "user": USER, "repo": REPO, "build": BUILD},
    {"event": "build", "action": "updated", "repo": REPO, "build": DONE},
)
RETRIED: dict[str, Any] = {"event": "build", "action": "updated", "repo": REPO, "build": FAILED}
"""The one whose receiver fails at first."""
