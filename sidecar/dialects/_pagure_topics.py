"""Pagure's topics, and what the `msg` of each has.

Law: what Pagure's own source sends, whole; nobody needs a project's or an issue's insides checked. A topic that is not
here is none of ours to refuse.
"""

from collections.abc import Mapping

_PUSHED = ("branch", "authors", "repo", "agent")
_ISSUE = ("issue", "project", "agent")
_PULL = ("pullrequest", "agent")
_PULL_OF = ("pullrequest", "project", "agent")
_TAGGED = ("pull_request", "pullrequest", "project", "tags", "agent")
_FLAG = ("repo", "flag", "agent")
_REQUEST = ("request", "pullrequest", "project", "agent")
_PROJECT = ("project", "agent")
_TAG = tuple([f"{age}_tag{part}" for age in ("old", "new") for part in ("", "_description", "_color")])

TOPICS: Mapping[str, tuple[str, ...]] = {
    "git.receive": (
        *_PUSHED,
        "total_commits",
        "start_commit",
        "end_commit",
        "old_commit",
        "forced",
        "changed_files",
        "pull_request_id",
    ),
    "git.branch.creation": (*_PUSHED, "rev"),
    "git.branch.deletion": (*_PUSHED, "rev"),
    "git.tag.creation": ("tag", "authors", "repo", "agent", "rev"),
    "git.tag.deletion": ("tag", "authors", "repo", "agent", "rev"),
    "commit.flag.added": _FLAG,
    "commit.flag.updated": _FLAG,
    "issue.new": _ISSUE,
    "issue.drop": _ISSUE,
    "issue.comment.added": _ISSUE,
    "issue.comment.edited": (*_ISSUE, "comment"),
    "issue.edit": (*_ISSUE, "fields"),
    "issue.assigned.added": _ISSUE,
    "issue.assigned.reset": _ISSUE,
    "issue.tag.added": (*_ISSUE, "tags"),
    "issue.tag.removed": (*_ISSUE, "tags"),
    "issue.dependency.added": (*_ISSUE, "added_dependency"),
    "issue.dependency.removed": (*_ISSUE, "removed_dependency"),
    "pull-request.new": _PULL,
    "pull-request.reopened": _PULL,
    "pull-request.comment.added": _PULL,
    "pull-request.updated": _PULL,
    "pull-request.rebased": _PULL,
    "pull-request.closed": (*_PULL, "merged"),
    "pull-request.comment.edited": (*_PULL_OF, "comment"),
    "pull-request.initial_comment.edited": _PULL_OF,
    "pull-request.assigned.added": _PULL_OF,
    "pull-request.assigned.reset": _PULL_OF,
    "request.assigned.added": _REQUEST,
    "request.assigned.reset": _REQUEST,
    "pull-request.tag.added": _TAGGED,
    "pull-request.tag.removed": _TAGGED,
    "pull-request.flag.added": (*_PULL, "flag"),
    "pull-request.flag.updated": (*_PULL, "flag"),
    "project.edit": (*_PROJECT, "fields"),
    "project.forked": _PROJECT,
    "project.new": _PROJECT,
    "project.deleted": _PROJECT,
    "project.user.added": (*_PROJECT, "new_user", "access", "branches"),
    "project.user.access.updated": (*_PROJECT, "new_user", "new_access", "new_branches"),
    "project.user.removed": (*_PROJECT, "removed_user"),
    "project.group.added": (*_PROJECT, "new_group", "access", "branches"),
    "project.group.access.updated": (*_PROJECT, "new_group", "new_access", "new_branches"),
    "project.group.removed": (*_PROJECT, "removed_groups"),
    "project.tag.edited": (*_PROJECT, *_TAG),
    "project.tag.removed": (*_PROJECT, "tags"),
    "group.edit": (),  # Pagure sends it on its bus alone
    "Test.notification": ("content",),
}
"""By topic, what its `msg` cannot do without."""

KINDS: Mapping[str, type] = {
    **dict.fromkeys(
        ("repo", "project", "issue", "pullrequest", "pull_request", "request", "flag", "comment", "changed_files"), dict
    ),
    **dict.fromkeys(("authors", "fields", "tags"), list),
    **dict.fromkeys(("agent", "branch", "tag", "rev", "start_commit", "end_commit", "old_commit", "content"), str),
    **dict.fromkeys(("forced", "merged"), bool),
    "total_commits": int,
}
"""What kind the members are of whose kind Pagure leaves no doubt."""

REFS: Mapping[str, tuple[str, str]] = {
    "git.receive": ("branch", "refs/heads/"),
    "git.branch.creation": ("branch", "refs/heads/"),
    "git.branch.deletion": ("branch", "refs/heads/"),
    "git.tag.creation": ("tag", "refs/tags/"),
    "git.tag.deletion": ("tag", "refs/tags/"),
}
"""By topic, the member that names a git ref, and what a short name stands for."""
