"""Bitbucket Cloud: push, pull request created and updated.
https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/

Law: pure. What happened is in `X-Event-Key` alone. A push has as many changes as refs; none of them lists files.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct, field, json

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
    needed,
    repository,
    shown,
    urls,
    whole_ref,
)
from sidecar.projects import Change, Ignored, Once, Person, PullRequest, Push, Told

TITLE = "Bitbucket"
TELLS: tuple[str, ...] = ("X-Event-Key",)
PROOFS: tuple[Proof, ...] = (Proof("X-Hub-Signature", "sha256="),)
WEAK: tuple[str, ...] = ()

UNLISTED = "Bitbucket lists no files"
KINDS = {"branch": "refs/heads/", "named_branch": "refs/heads/", "tag": "refs/tags/"}


class Link(Struct):
    """A link."""

    href: Text = None


class Links(Struct):
    """Of whatever has them, only the page is of use."""

    html: Link | None = None

    @property
    def page(self) -> str:
        return (self.html.href if self.html else "") or ""


class Account(Struct):
    """A user or a team."""

    nickname: Text = None
    display_name: Text = None

    @property
    def name(self) -> str:
        return self.nickname or self.display_name or ""


class Author(Struct):
    """Of a commit: `raw` is as in git, `user` whom Bitbucket takes it for."""

    raw: Text = None
    user: Account | None = None

    def person(self) -> Person:
        name, _, email = (self.raw or "").partition("<")
        return Person(self.user.name if self.user else "", name.strip(), email.rstrip("> "))


class Commit(Struct):
    """A commit."""

    hash: Text = None
    message: Text = None
    author: Author | None = None
    links: Links | None = None


class Repository(Struct):
    """Where."""

    full_name: Text = None
    links: Links | None = None

    def urls(self) -> tuple[str, ...]:
        return urls((self.links or Links()).page)


class Tip(Struct):
    """A ref and the commit it is at."""

    type: Text = None
    name: Text = None
    target: Commit | None = None


class Moved(Struct):
    """A ref that moved; `new` is null where it was deleted, `old` where it was made."""

    old: Tip | None = None
    new: Tip | None = None
    closed: Flag = None
    links: Links | None = None


class Moves(Struct):
    """What there is in `push`."""

    changes: list[Moved] | None = None


class Pushed(Struct):
    """The body of `repo:push`."""

    push: Moves | None = None
    repository: Repository | None = None
    actor: Account | None = None


class Branch(Struct):
    """A branch by its name."""

    name: Text = None


class End(Struct):
    """One side of a pull request; its repository is null where the fork is gone. The hash is cut to 12 characters."""

    branch: Branch | None = None
    commit: Commit | None = None
    repository: Repository | None = None


class Pull(Struct):
    """The pull request itself."""

    id: Number | None = None
    title: Text = None
    description: Text = None
    state: Text = None
    author: Account | None = None
    source: End | None = None
    destination: End | None = None
    links: Links | None = None


class Pulled(Struct):
    """The body of `pullrequest:created` and `pullrequest:updated`."""

    pull: Pull | None = field(name="pullrequest", default=None)
    repository: Repository | None = None
    actor: Account | None = None


_pushed, _pulled = json.Decoder(Pushed), json.Decoder(Pulled)


def read(headers: Headers, body: bytes) -> Told:
    """What Bitbucket tells; raises a `Problem` where it is not what Bitbucket sends."""
    event = header(headers, *TELLS)
    if reader := EVENTS.get(event):
        return reader(document(headers, body))
    if event.startswith(("repo:refs_changed", "pr:", "diagnostics:")):
        return Ignored(f"the event {shown(event)} is Bitbucket Data Center's; of Bitbucket's, only Cloud's are read")
    return Ignored(f"the event {shown(event)} builds nothing; repo:push and pullrequest:created and :updated do")


def delivery(headers: Headers, body: bytes) -> Once:
    """`X-Request-UUID`, the same in each of its attempts; `X-Hook-UUID` is the hook's own."""
    return by_id("bitbucket", header(headers, "X-Request-UUID"), body)


def _push(text: bytes) -> Told:
    said = decoded(_pushed, text)
    where = repository((said.repository or Repository()).urls(), "repository", "links", "html", "href")
    moves = (said.push or Moves()).changes
    if not moves:
        return Ignored("the push changes nothing")
    changes = [_change(moved, str(index)) for index, moved in enumerate(moves)]
    return Push(forge="bitbucket", urls=where, changes=tuple(changes), sender=said.actor.name if said.actor else "")


def _change(moved: Moved, index: str) -> Change:
    place = ("push", "changes", index, "new" if moved.new else "old")
    tip = needed(moved.new or moved.old, *place)
    kind = needed(KINDS.get(tip.type or ""), *place, "type")
    head = (moved.new.target if moved.new else None) or Commit()
    old = (moved.old.target if moved.old else None) or Commit()
    return Change(
        ref=whole_ref(tip.name, *place, "name", kind=kind),
        before=commit(old.hash, "push", "changes", index, "old", "target", "hash"),
        after=commit(head.hash, *place, "target", "hash"),
        deleted=moved.new is None,
        unlisted=UNLISTED,
        message=head.message or "",
        link=(moved.links or head.links or Links()).page,
        author=(head.author or Author()).person(),
    )


def _pull_request(text: bytes) -> Told:
    said = decoded(_pulled, text)
    pull = needed(said.pull, "pullrequest")
    if pull.state not in {None, "OPEN"}:
        return Ignored(f"a pull request that is {shown(pull.state or '')} has nothing to build")
    source, target = (
        needed(pull.source, "pullrequest", "source"),
        needed(pull.destination, "pullrequest", "destination"),
    )
    if source.repository is None:
        return Ignored("the repository that the pull request comes from is gone")
    number, name = needed(pull.id, "pullrequest", "id"), (source.branch or Branch()).name
    where = repository(
        (target.repository or said.repository or Repository()).urls(), "repository", "links", "html", "href"
    )
    place = ("pullrequest", "source", "commit", "hash")
    after = needed(commit((source.commit or Commit()).hash, *place), *place)
    page = repository(source.repository.urls(), "pullrequest", "source", "repository", "links", "html", "href")
    source_branch = branch(name, "pullrequest", "source", "branch", "name")
    return PullRequest(
        forge="bitbucket",
        urls=where,
        number=number,
        target=branch((target.branch or Branch()).name, "pullrequest", "destination", "branch", "name"),
        before=commit((target.commit or Commit()).hash, "pullrequest", "destination", "commit", "hash"),
        after=after,
        source_url=page[0],
        source_repo=source.repository.full_name or "",
        source=source_branch,
        ref=f"refs/heads/{source_branch}",
        title=pull.title or "",
        message=pull.description or "",
        link=(pull.links or Links()).page,
        author=Person(pull.author.name if pull.author else ""),
        sender=said.actor.name if said.actor else "",
        once=head_of("bitbucket", where[0], number, after),
    )


EVENTS: Mapping[str, Callable[[bytes], Told]] = {
    "repo:push": _push,
    "pullrequest:created": _pull_request,
    "pullrequest:updated": _pull_request,
}
