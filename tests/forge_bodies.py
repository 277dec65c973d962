"""Bodies as the forges document them, with made-up values. Law: a body is changed by naming a path in it.

Shapes: docs.github.com webhook events and payloads; docs.gitlab.com webhook events; Bitbucket Cloud's event payloads;
Pagure's web-hooks; Gitea's API types.
"""

import json
from copy import deepcopy
from typing import Any

OLD, NEW, ZEROS = "0a" * 20, "1b" * 20, "0" * 40

JSON = {"Content-Type": "application/json"}
GITHUB = {**JSON, "X-GitHub-Event": "push", "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958"}
GITEA = {
    **GITHUB,
    "X-Gitea-Event": "push",
    "X-Gitea-Delivery": GITHUB["X-GitHub-Delivery"],
    "X-Gogs-Event": "push",
    "X-Gogs-Delivery": GITHUB["X-GitHub-Delivery"],
}
GITLAB = {
    **JSON,
    "X-Gitlab-Event": "Push Hook",
    "X-Gitlab-Webhook-UUID": "fresh-each-time",
    "X-Gitlab-Event-UUID": "shared",
    "Idempotency-Key": "f5e5f430-f57b-4e6e-9fac-d9128cd7232f",
}
BITBUCKET = {**JSON, "X-Event-Key": "repo:push", "X-Hook-UUID": "the-hook", "X-Request-UUID": "the-request"}
PAGURE = {**JSON, "X-Pagure": "https://pg.example/", "X-Pagure-project": "rpms/nano", "X-Pagure-Topic": "git.receive"}

_github_repository = {
    "full_name": "rpms/nano",
    "html_url": "https://github.com/rpms/nano",
    "clone_url": "https://github.com/rpms/nano.git",
    "ssh_url": "git@github.com:rpms/nano.git",
    "git_url": "git://github.com/rpms/nano.git",
}
_github_commit = {
    "id": NEW,
    "message": "Mend it\n\nIt was broken.",
    "url": f"https://github.com/rpms/nano/commit/{NEW}",
    "author": {"name": "Ana", "email": "ana@example.org", "username": "ana"},
    "added": ["nano.spec"],
    "removed": ["old.patch"],
    "modified": ["sources", "nano.spec"],
}
GITHUB_PUSH = {
    "ref": "refs/heads/main",
    "before": OLD,
    "after": NEW,
    "created": False,
    "deleted": False,
    "forced": False,
    "base_ref": None,
    "compare": f"https://github.com/rpms/nano/compare/{OLD[:12]}...{NEW[:12]}",
    "commits": [_github_commit],
    "head_commit": _github_commit,
    "repository": _github_repository,
    "pusher": {"name": "bob", "email": "bob@example.org"},
    "sender": {"login": "bob", "id": 1},
}
GITHUB_TAG = {
    "ref": "nano-1.2",
    "ref_type": "tag",
    "master_branch": "main",
    "repository": _github_repository,
    "sender": {"login": "bob"},
}
GITHUB_PULL = {
    "action": "opened",
    "number": 12,
    "pull_request": {
        "number": 12,
        "state": "open",
        "draft": False,
        "title": "Mend it",
        "body": "It was broken.",
        "html_url": "https://github.com/rpms/nano/pull/12",
        "user": {"login": "ana"},
        "head": {
            "ref": "mend",
            "sha": NEW,
            "repo": {"full_name": "ana/nano", "clone_url": "https://github.com/ana/nano.git"},
        },
        "base": {"ref": "main", "sha": OLD, "repo": _github_repository},
    },
    "repository": _github_repository,
    "sender": {"login": "bob"},
}

_gitlab_project = {
    "path_with_namespace": "rpms/nano",
    "git_http_url": "https://gitlab.example/rpms/nano.git",
    "git_ssh_url": "git@gitlab.example:rpms/nano.git",
    "web_url": "https://gitlab.example/rpms/nano",
    "default_branch": "main",
}
_gitlab_commit = {
    "id": NEW,
    "message": "Mend it\n\nIt was broken.",
    "title": "Mend it",
    "timestamp": "2026-01-02T03:04:05+00:00",
    "url": f"https://gitlab.example/rpms/nano/-/commit/{NEW}",
    "author": {"name": "Ana", "email": "ana@example.org"},
    "added": ["nano.spec"],
    "modified": ["sources"],
    "removed": [],
}
GITLAB_PUSH = {
    "object_kind": "push",
    "event_name": "push",
    "before": OLD,
    "after": NEW,
    "ref": "refs/heads/main",
    "ref_protected": True,
    "checkout_sha": NEW,
    "user_username": "bob",
    "user_name": "Bob",
    "project": _gitlab_project,
    "commits": [_gitlab_commit],
    "total_commits_count": 1,
}
GITLAB_TAG = {
    **GITLAB_PUSH,
    "object_kind": "tag_push",
    "event_name": "tag_push",
    "ref": "refs/tags/nano-1.2",
    "before": ZEROS,
    "message": "Release 1.2",
    "commits": [],
    "total_commits_count": 0,
}
GITLAB_MERGE = {
    "object_kind": "merge_request",
    "user": {"username": "bob", "name": "Bob"},
    "project": _gitlab_project,
    "object_attributes": {
        "iid": 12,
        "action": "open",
        "state": "opened",
        "title": "Mend it",
        "description": "It was broken.",
        "url": "https://gitlab.example/rpms/nano/-/merge_requests/12",
        "source_branch": "mend",
        "target_branch": "main",
        "last_commit": _gitlab_commit,
        "source": {"path_with_namespace": "ana/nano", "git_http_url": "https://gitlab.example/ana/nano.git"},
        "target": _gitlab_project,
    },
}

_bitbucket_repository = {
    "type": "repository",
    "full_name": "rpms/nano",
    "links": {"html": {"href": "https://bitbucket.org/rpms/nano"}, "self": {"href": "https://api.example/x"}},
}
_bitbucket_tip = {
    "type": "branch",
    "name": "main",
    "target": {
        "type": "commit",
        "hash": NEW,
        "message": "Mend it\n",
        "author": {"raw": "Ana <ana@example.org>", "user": {"nickname": "ana", "display_name": "Ana"}},
        "links": {"html": {"href": f"https://bitbucket.org/rpms/nano/commits/{NEW}"}},
    },
}
BITBUCKET_PUSH = {
    "actor": {"nickname": "bob", "display_name": "Bob"},
    "repository": _bitbucket_repository,
    "push": {
        "changes": [
            {
                "old": {"type": "branch", "name": "main", "target": {"hash": OLD}},
                "new": _bitbucket_tip,
                "created": False,
                "closed": False,
                "forced": False,
                "truncated": False,
                "links": {"html": {"href": "https://bitbucket.org/rpms/nano/branches/compare/x"}},
                "commits": [{"hash": NEW, "message": "Mend it\n"}],
            }
        ]
    },
}
BITBUCKET_PULL = {
    "actor": {"nickname": "bob"},
    "repository": _bitbucket_repository,
    "pullrequest": {
        "id": 12,
        "title": "Mend it",
        "description": "It was broken.",
        "state": "OPEN",
        "author": {"nickname": "ana"},
        "source": {
            "branch": {"name": "mend"},
            "commit": {"hash": NEW[:12]},
            "repository": {"full_name": "ana/nano", "links": {"html": {"href": "https://bitbucket.org/ana/nano"}}},
        },
        "destination": {"branch": {"name": "main"}, "commit": {"hash": OLD[:12]}, "repository": _bitbucket_repository},
        "links": {"html": {"href": "https://bitbucket.org/rpms/nano/pull-requests/12"}},
    },
}

_pagure_project = {
    "id": 3,
    "name": "nano",
    "fullname": "rpms/nano",
    "url_path": "rpms/nano",
    "full_url": "https://pg.example/rpms/nano",
    "namespace": "rpms",
    "parent": None,
}
PAGURE_PUSH = {
    "i": 7,
    "msg": {
        "agent": "bob",
        "authors": [{"name": "ana", "fullname": "Ana", "url_path": "user/ana"}],
        "branch": "main",
        "changed_files": {"nano.spec": "M", "old.patch": "D"},
        "end_commit": NEW,
        "forced": False,
        "old_commit": OLD,
        "pagure_instance": "https://pg.example/",
        "project_fullname": "rpms/nano",
        "pull_request_id": None,
        "repo": _pagure_project,
        "start_commit": NEW,
        "total_commits": 1,
    },
    "msg_id": "2026-5a1c9f3e-0f57-4f0b-a9fb-4d2bb1a4b0c1",
    "timestamp": 1790000000,
    "topic": "git.receive",
}
PAGURE_TAG = {
    **PAGURE_PUSH,
    "msg": {
        "agent": "bob",
        "authors": [],
        "pagure_instance": "https://pg.example/",
        "project_fullname": "rpms/nano",
        "repo": _pagure_project,
        "rev": NEW,
        "tag": "nano-1.2",
    },
    "topic": "git.tag.creation",
}
PAGURE_PULL = {
    **PAGURE_PUSH,
    "msg": {
        "agent": "pagure",
        "pagure_instance": "https://pg.example/",
        "project_fullname": "rpms/nano",
        "pullrequest": {
            "id": 12,
            "uid": "ab12",
            "title": "Mend it",
            "branch": "main",
            "branch_from": "mend",
            "commit_start": NEW,
            "commit_stop": NEW,
            "status": "Open",
            "full_url": "https://pg.example/rpms/nano/pull-request/12",
            "initial_comment": "It was broken.",
            "project": _pagure_project,
            "repo_from": {
                "fullname": "forks/ana/rpms/nano",
                "url_path": "fork/ana/rpms/nano",
                "full_url": "https://pg.example/fork/ana/rpms/nano",
                "parent": _pagure_project,
            },
            "remote_git": None,
            "user": {"name": "ana", "fullname": "Ana"},
        },
    },
    "topic": "pull-request.new",
}

GONE = object()
"""In the place of a value: the member is not there."""


def body(document: Any, **changed: Any) -> bytes:
    """The JSON of a document in which members are changed: `head__repo` is `head.repo`, `commits__0` a list's first."""
    made = deepcopy(document)
    for path, value in changed.items():
        *way, last = [int(step) if step.isdigit() else step for step in path.split("__")]
        place = made
        for step in way:
            place = place[step]
        if value is GONE:
            del place[last]
        else:
            place[last] = value
    return json.dumps(made).encode()
