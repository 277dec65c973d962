"""Pagure: commits received, tags made, things deleted, pull requests new, updated and rebased.
https://docs.pagure.org/pagure/usage/using_webhooks.html

Law: pure. Only the body is signed, so topic, project and id are taken from it and never from a header. The key is
Pagure's own, one a project.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct, field, json

from sidecar.errors import Problem
from sidecar.forges._proofs import Proof
from sidecar.forges._reading import (
    Flag,
    Headers,
    Number,
    Text,
    branch,
    by_id,
    commit,
    decoded,
    document,
    head_of,
    making,
    needed,
    repository,
    shown,
    urls,
    whole_ref,
)
from sidecar.projects import Change, Ignored, Once, Person, PullRequest, Push, Told

TITLE = "Pagure"
TELLS: tuple[str, ...] = ("X-Pagure-Topic", "X-Pagure-Project", "X-Pagure")
PROOFS: tuple[Proof, ...] = (Proof("X-Pagure-Signature-256", forges_own=True),)
WEAK: tuple[str, ...] = ("X-Pagure-Signature",)


class User(Struct):
    """An account, or the author of a commit, whose `name` is then null."""

    name: Text = None
    fullname: Text = None


class Project(Struct):
    """Where. A fork's page is under `fork/`, its repository under `forks/`, as its full name is."""

    fullname: Text = None
    url_path: Text = None
    full_url: Text = None

    def urls(self, instance: Text) -> tuple[str, ...]:
        base = (instance or "").rstrip("/")
        if not base and self.full_url and self.url_path and self.full_url.rstrip("/").endswith(self.url_path):
            base = self.full_url.rstrip("/").removesuffix(self.url_path).rstrip("/")
        own = f"{base}/{self.fullname}" if base and self.fullname else None
        return urls(own, self.full_url)


class Pull(Struct):
    """A pull request; `repo_from` is null where it comes from elsewhere (`remote_git`) or the fork is gone."""

    id: Number | None = None
    title: Text = None
    branch: Text = None
    branch_from: Text = None
    commit_stop: Text = None
    status: Text = None
    full_url: Text = None
    initial_comment: Text = None
    project: Project | None = None
    repo_from: Project | None = None
    remote_git: Text = None
    user: User | None = None


class Message(Struct):
    """`msg`, whatever the topic."""

    pagure_instance: Text = None
    agent: Text = None
    repo: Project | None = None
    branch: Text = None
    tag: Text = None
    rev: Text = None
    old_commit: Text = None
    end_commit: Text = None
    forced: Flag = None
    authors: list[User] | None = None
    changed_files: dict[str, Text] | None = None
    pull: Pull | None = field(name="pullrequest", default=None)


class Named(Struct):
    """An envelope, as far as every topic has it."""

    topic: Text = None
    msg_id: Text = None


class Envelope(Struct):
    """An envelope of a topic that we read."""

    msg: Message | None = None


_named, _envelope = json.Decoder(Named), json.Decoder(Envelope)


def read(headers: Headers, body: bytes) -> Told:
    """What Pagure tells; raises a `Problem` where it is not what Pagure sends."""
    text = document(headers, body)
    topic = needed(decoded(_named, text).topic, "topic")
    if topic == "git.branch.creation":
        return Ignored(
            "of a new branch's commits git.receive tells; a branch of commits that were there builds nothing"
        )
    if reader := TOPICS.get(topic):
        return reader(needed(decoded(_envelope, text).msg, "msg"))
    return Ignored(f"the topic {shown(topic)} builds nothing; git.receive, git.tag.creation and pull requests do")


def delivery(headers: Headers, body: bytes) -> Once:
    """`msg_id`, which is in the body, and new each time Pagure posts; there is no header for it."""
    try:
        told = decoded(_named, document(headers, body)).msg_id
    except Problem:
        told = None
    return by_id("pagure", told or "", body)


def _receive(msg: Message) -> Told:
    where = _where(msg)
    ref = whole_ref(msg.branch, "msg", "branch", kind="refs/heads/")
    before, after = commit(_bare(msg.old_commit), "msg", "old_commit"), commit(msg.end_commit, "msg", "end_commit")
    files = None if not msg.changed_files or msg.forced else tuple(msg.changed_files)
    author = (msg.authors or [User()])[-1]
    change = Change(
        ref=ref,
        before=before,
        after=needed(after, "msg", "end_commit"),
        files=files,
        unlisted="" if files is not None else _unlisted(forced=bool(msg.forced)),
        link=_page(msg, after),
        author=Person(author.name or "", author.fullname or ""),
        # of a new tag, too, which comes as a branch, beside git.tag.creation
        once=None if before else making("pagure", where[0], ref),
    )
    return Push(forge="pagure", urls=where, changes=(change,), sender=msg.agent or "")


def _tag(msg: Message) -> Told:
    where = _where(msg)
    ref = whole_ref(msg.tag, "msg", "tag", kind="refs/tags/")
    change = Change(
        ref=ref,
        after=commit(msg.rev, "msg", "rev"),
        unlisted="a new tag comes without a list of files",
        link=_page(msg, msg.rev or ""),
        once=making("pagure", where[0], ref),
    )
    return Push(forge="pagure", urls=where, changes=(change,), sender=msg.agent or "")


def _deletion(msg: Message) -> Told:
    if msg.tag:
        ref = whole_ref(msg.tag, "msg", "tag", kind="refs/tags/")
    else:
        ref = whole_ref(msg.branch, "msg", "branch", kind="refs/heads/")
    change = Change(ref=ref, before=commit(msg.rev, "msg", "rev"), deleted=True)
    return Push(forge="pagure", urls=_where(msg), changes=(change,), sender=msg.agent or "")


def _pull_request(msg: Message) -> Told:
    pull = needed(msg.pull, "msg", "pullrequest")
    if pull.status not in {None, "Open"}:
        return Ignored(f"a pull request that is {shown(pull.status or '')} has nothing to build")
    from_fork = pull.repo_from.urls(msg.pagure_instance) if pull.repo_from else urls(pull.remote_git)
    if not from_fork:
        return Ignored("the repository that the pull request comes from is gone")
    number = needed(pull.id, "msg", "pullrequest", "id")
    where = repository(
        (pull.project or Project()).urls(msg.pagure_instance), "msg", "pullrequest", "project", "full_url"
    )
    after = needed(commit(pull.commit_stop, "msg", "pullrequest", "commit_stop"), "msg", "pullrequest", "commit_stop")
    author = pull.user or User()
    return PullRequest(
        forge="pagure",
        urls=where,
        number=number,
        target=branch(pull.branch, "msg", "pullrequest", "branch"),
        after=after,
        source_url=from_fork[0],
        source_repo=(pull.repo_from.fullname if pull.repo_from else "") or "",
        source=branch(pull.branch_from, "msg", "pullrequest", "branch_from"),
        ref=f"refs/pull/{number}/head",
        title=pull.title or "",
        message=pull.initial_comment or "",
        link=pull.full_url or "",
        author=Person(author.name or "", author.fullname or ""),
        sender=msg.agent or "",
        once=head_of("pagure", where[0], number, after),
    )


def _where(msg: Message) -> tuple[str, ...]:
    return repository((msg.repo or Project()).urls(msg.pagure_instance), "msg", "repo", "full_url")


def _page(msg: Message, sha: str) -> str:
    page = (msg.repo.full_url if msg.repo else "") or ""
    return f"{page.rstrip('/')}/c/{sha}" if page and sha else page


def _bare(sha: Text) -> Text:
    """Pagure writes the commit before a new branch as `^` and zeros."""
    return sha.removeprefix("^") if sha else sha


def _unlisted(*, forced: bool) -> str:
    return "a forced push does not list what it took away" if forced else "the push lists no files"


TOPICS: Mapping[str, Callable[[Message], Told]] = {
    "git.receive": _receive,
    "git.tag.creation": _tag,
    "git.tag.deletion": _deletion,
    "git.branch.deletion": _deletion,
    "pull-request.new": _pull_request,
    "pull-request.updated": _pull_request,
    "pull-request.rebased": _pull_request,
}
