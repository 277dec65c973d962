"""GitHub: push, tags made and deleted, pull requests. https://docs.github.com/webhooks/webhook-events-and-payloads

Law: pure. What happened is in `X-GitHub-Event` alone, never in the body. The secret of the signature is the
operator's choice.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct, json

from sidecar.forges._commits import Author, Commit, Files, changed
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
    header,
    making,
    needed,
    repository,
    shown,
    urls,
    whole_ref,
)
from sidecar.projects import Change, Ignored, Once, Person, Ping, PullRequest, Push, Told

TITLE = "GitHub"
TELLS: tuple[str, ...] = ("X-GitHub-Event",)
PROOFS: tuple[Proof, ...] = (Proof("X-Hub-Signature-256", "sha256="),)
WEAK: tuple[str, ...] = ("X-Hub-Signature",)

MOST_COMMITS = 2048
"""A push lists no more."""

FRESH = frozenset({"opened", "reopened", "synchronize", "synchronized"})
"""Actions after which a pull request has something to build; Gitea has a word of its own for the third."""


class Account(Struct):
    """A user; a push has `pusher` with a `name` alone."""

    login: Text = None
    name: Text = None


class Repository(Struct):
    """Where; each URL is one a package may be configured with."""

    full_name: Text = None
    clone_url: Text = None
    ssh_url: Text = None
    git_url: Text = None
    html_url: Text = None

    def urls(self) -> tuple[str, ...]:
        return urls(self.clone_url, self.ssh_url, self.git_url, self.html_url)


class Pushed(Struct):
    """The body of `push`. `total_commits` is Gitea's, whose list is short; so is `compare_url`."""

    ref: Text = None
    before: Text = None
    after: Text = None
    created: Flag = None
    deleted: Flag = None
    forced: Flag = None
    compare: Text = None
    compare_url: Text = None
    commits: list[Commit] | None = None
    total_commits: int | None = None
    head_commit: Commit | None = None
    repository: Repository | None = None
    sender: Account | None = None
    pusher: Account | None = None


class Named(Struct):
    """The body of `create` and `delete`: the ref is short. `sha` is Gitea's."""

    ref: Text = None
    ref_type: Text = None
    sha: Text = None
    repository: Repository | None = None
    sender: Account | None = None


class End(Struct):
    """One side of a pull request; `repo` is null where the fork is gone."""

    ref: Text = None
    sha: Text = None
    repo: Repository | None = None


class Pull(Struct):
    """The pull request itself."""

    title: Text = None
    body: Text = None
    html_url: Text = None
    user: Account | None = None
    head: End | None = None
    base: End | None = None


class Pulled(Struct):
    """The body of `pull_request`."""

    action: Text = None
    number: Number | None = None
    pull_request: Pull | None = None
    repository: Repository | None = None
    sender: Account | None = None


_pushed, _named, _pulled = json.Decoder(Pushed), json.Decoder(Named), json.Decoder(Pulled)


def read(headers: Headers, body: bytes) -> Told:
    """What GitHub tells; raises a `Problem` where it is not what GitHub sends."""
    return read_as("github", header(headers, *TELLS), headers, body)


def delivery(headers: Headers, body: bytes) -> Once:
    """`X-GitHub-Delivery`: the same when an operator has it sent again."""
    return by_id("github", header(headers, "X-GitHub-Delivery"), body)


def read_as(forge: str, event: str, headers: Headers, body: bytes) -> Told:
    """What a forge tells that speaks as GitHub does."""
    if reader := EVENTS.get(event):
        return reader(forge, document(headers, body))
    return Ignored(f"the event {shown(event)} builds nothing; push, create and pull_request do")


def _ping(forge: str, text: bytes) -> Told:
    return Ping(forge)


def _push(forge: str, text: bytes) -> Told:
    said = decoded(_pushed, text)
    where = repository((said.repository or Repository()).urls(), "repository", "clone_url")
    ref = whole_ref(said.ref, "ref")
    before, after = commit(said.before, "before"), commit(said.after, "after")
    deleted = bool(said.deleted) or (said.after is not None and not after)
    files, unlisted = _files(said)
    head = said.head_commit or (said.commits or [Commit()])[-1]
    author = head.author or Author()
    change = Change(
        ref=ref,
        before=before,
        after="" if deleted else after,
        deleted=deleted,
        files=files,
        unlisted=unlisted,
        message=head.message or "",
        link=said.compare or said.compare_url or head.url or "",
        author=Person(author.username or "", author.name or "", author.email or ""),
        once=making(forge, where[0], ref) if _is_new_tag(said, ref) else None,
    )
    return Push(forge=forge, urls=where, changes=(change,), sender=_login(said.sender) or _login(said.pusher))


def _is_new_tag(said: Pushed, ref: str) -> bool:
    """Then there is a `create` as well."""
    return ref.startswith("refs/tags/") and bool(said.created or not commit(said.before, "before"))


def _create(forge: str, text: bytes) -> Told:
    return _named_ref(forge, decoded(_named, text), deleted=False)


def _delete(forge: str, text: bytes) -> Told:
    return _named_ref(forge, decoded(_named, text), deleted=True)


def _named_ref(forge: str, said: Named, *, deleted: bool) -> Told:
    if said.ref_type != "tag":
        return Ignored("of a branch that is made or deleted the push event tells; create and delete are for tags")
    where = repository((said.repository or Repository()).urls(), "repository", "clone_url")
    ref = whole_ref(said.ref, "ref", kind="refs/tags/")
    change = Change(
        ref=ref,
        after="" if deleted else commit(said.sha, "sha"),
        deleted=deleted,
        unlisted="a new tag comes without a list of files",
        once=None if deleted else making(forge, where[0], ref),
    )
    return Push(forge=forge, urls=where, changes=(change,), sender=_login(said.sender))


def _pull_request(forge: str, text: bytes) -> Told:
    said = decoded(_pulled, text)
    if said.action not in FRESH:
        return Ignored(f"a pull request that is {shown(said.action or '')} has nothing new to build")
    pull = needed(said.pull_request, "pull_request")
    number = needed(said.number, "number")
    head, base = needed(pull.head, "pull_request", "head"), needed(pull.base, "pull_request", "base")
    if head.repo is None:
        return Ignored("the repository that the pull request comes from is gone")
    target = base.repo or said.repository or Repository()
    where = repository(target.urls(), "pull_request", "base", "repo", "clone_url")
    after = needed(commit(head.sha, "pull_request", "head", "sha"), "pull_request", "head", "sha")
    return PullRequest(
        forge=forge,
        urls=where,
        number=number,
        target=branch(base.ref, "pull_request", "base", "ref"),
        before=commit(base.sha, "pull_request", "base", "sha"),
        after=after,
        source_url=repository(head.repo.urls(), "pull_request", "head", "repo", "clone_url")[0],
        source_repo=head.repo.full_name or "",
        source=branch(head.ref, "pull_request", "head", "ref"),
        ref=f"refs/pull/{number}/head",
        title=pull.title or "",
        message=pull.body or "",
        link=pull.html_url or "",
        author=Person(_login(pull.user)),
        sender=_login(said.sender),
        once=None if said.action == "reopened" else head_of(forge, where[0], number, after),
    )


def _files(said: Pushed) -> Files:
    if said.forced:
        return None, "a forced push does not list what it took away"
    return changed(said.commits or [], said.total_commits, MOST_COMMITS)


def _login(given: Account | None) -> str:
    return (given.login or given.name or "") if given else ""


EVENTS: Mapping[str, Callable[[str, bytes], Told]] = {
    "ping": _ping,
    "push": _push,
    "create": _create,
    "delete": _delete,
    "pull_request": _pull_request,
}
