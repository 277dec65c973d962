"""GitLab: push, tag push, merge request. https://docs.gitlab.com/user/project/integrations/webhook_events/

Law: pure. What happened is in the body's `object_kind`, which a signature covers, not in `X-Gitlab-Event`. The token is
the operator's; the key of `webhook-signature` (Standard Webhooks) is GitLab's own.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct, json

from sidecar.forges._commits import Author, Commit, changed
from sidecar.forges._proofs import Proof
from sidecar.forges._reading import (
    Headers,
    Number,
    Text,
    branch,
    by_id,
    commit,
    decoded,
    document,
    head_of,
    header,
    needed,
    repository,
    shown,
    urls,
    whole_ref,
)
from sidecar.projects import Change, Ignored, Once, Person, PullRequest, Push, Told

TITLE = "GitLab"
TELLS: tuple[str, ...] = ("X-Gitlab-Event",)
PROOFS: tuple[Proof, ...] = (
    Proof("X-Gitlab-Token", scheme="token"),
    Proof("webhook-signature", scheme="standard", forges_own=True),
)
WEAK: tuple[str, ...] = ()

MOST_COMMITS = 20


class User(Struct):
    """An account."""

    username: Text = None
    name: Text = None


class Project(Struct):
    """Where. The names are those of today and, behind them, of GitLab before 8.5."""

    path_with_namespace: Text = None
    git_http_url: Text = None
    git_ssh_url: Text = None
    web_url: Text = None
    http_url: Text = None
    ssh_url: Text = None
    homepage: Text = None

    def urls(self) -> tuple[str, ...]:
        return urls(self.git_http_url, self.git_ssh_url, self.web_url, self.http_url, self.ssh_url, self.homepage)


class Kind(Struct):
    """Which of them it is."""

    object_kind: Text = None


class Pushed(Struct):
    """The body of `push` and `tag_push`."""

    ref: Text = None
    before: Text = None
    after: Text = None
    user_username: Text = None
    user_name: Text = None
    message: Text = None
    project: Project | None = None
    repository: Project | None = None
    commits: list[Commit] | None = None
    total_commits_count: int | None = None


class Attributes(Struct):
    """A merge request; `oldrev` is there only where an update brought commits."""

    iid: Number | None = None
    action: Text = None
    oldrev: Text = None
    title: Text = None
    description: Text = None
    url: Text = None
    source_branch: Text = None
    target_branch: Text = None
    last_commit: Commit | None = None
    source: Project | None = None
    target: Project | None = None


class Merge(Struct):
    """The body of `merge_request`."""

    user: User | None = None
    project: Project | None = None
    object_attributes: Attributes | None = None


_kind, _pushed, _merge = json.Decoder(Kind), json.Decoder(Pushed), json.Decoder(Merge)


def read(headers: Headers, body: bytes) -> Told:
    """What GitLab tells; raises a `Problem` where it is not what GitLab sends."""
    text = document(headers, body)
    kind = needed(decoded(_kind, text).object_kind, "object_kind")
    if reader := KINDS.get(kind):
        return reader(text)
    return Ignored(f"the event {shown(kind)} builds nothing; push, tag_push and merge_request do")


def delivery(headers: Headers, body: bytes) -> Once:
    """`Idempotency-Key`, the same when GitLab tries again. Before 17.4 there is none: then by the body, because
    `X-Gitlab-Webhook-UUID` is new each time, and of `X-Gitlab-Event-UUID` several deliveries may have the same."""
    return by_id("gitlab", header(headers, "Idempotency-Key", "webhook-id"), body)


def _push(text: bytes) -> Told:
    said = decoded(_pushed, text)
    where = repository(
        (said.project or Project()).urls() + (said.repository or Project()).urls(), "project", "git_http_url"
    )
    after = commit(said.after, "after")
    deleted = said.after is not None and not after
    commits = said.commits or []
    head = next((one for one in commits if one.id == said.after), (commits or [Commit()])[-1])
    files, unlisted = changed(commits, said.total_commits_count, MOST_COMMITS)
    author = head.author or Author()
    change = Change(
        ref=whole_ref(said.ref, "ref"),
        before=commit(said.before, "before"),
        after=after,
        deleted=deleted,
        files=files,
        unlisted=unlisted,
        message=head.message or said.message or "",
        link=head.url or "",
        author=Person(name=author.name or "", email=author.email or ""),
    )
    return Push(forge="gitlab", urls=where, changes=(change,), sender=said.user_username or said.user_name or "")


def _merge_request(text: bytes) -> Told:
    said = decoded(_merge, text)
    merge = needed(said.object_attributes, "object_attributes")
    if merge.action not in {"open", "reopen"} and not (merge.action == "update" and merge.oldrev):
        return Ignored(f"a merge request at {shown(merge.action or '')} without new commits has nothing to build")
    if merge.source is None:
        return Ignored("the project that the merge request comes from is gone")
    number, user = needed(merge.iid, "object_attributes", "iid"), said.user or User()
    head = needed(merge.last_commit, "object_attributes", "last_commit")
    after = needed(commit(head.id, "object_attributes", "last_commit", "id"), "object_attributes", "last_commit", "id")
    target = (merge.target or Project()).urls() + (said.project or Project()).urls()
    where = repository(tuple(dict.fromkeys(target)), "object_attributes", "target", "git_http_url")
    author = head.author or Author()
    return PullRequest(
        forge="gitlab",
        urls=where,
        number=number,
        target=branch(merge.target_branch, "object_attributes", "target_branch"),
        after=after,
        source_url=repository(merge.source.urls(), "object_attributes", "source", "git_http_url")[0],
        source_repo=merge.source.path_with_namespace or "",
        source=branch(merge.source_branch, "object_attributes", "source_branch"),
        ref=f"refs/merge-requests/{number}/head",
        title=merge.title or "",
        message=merge.description or "",
        link=merge.url or "",
        author=Person(name=author.name or "", email=author.email or ""),
        sender=user.username or user.name or "",
        once=None if merge.action == "reopen" else head_of("gitlab", where[0], number, after),
    )


KINDS: Mapping[str, Callable[[bytes], Told]] = {
    "push": _push,
    "tag_push": _push,
    "merge_request": _merge_request,
}
