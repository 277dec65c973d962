"""The nouns of what forges tell us: a Push or a PullRequest happened; the Packages of a Project are built for it.

Law: frozen values and nothing else. What a forge does not tell is "" (or None, where an empty list would say more).
Spans are milliseconds. No secret is kept in any of them.
"""

from typing import Literal

from msgspec import Struct

PullRequests = Literal["none", "open"]
"""Whose pull requests are built: nobody's, or anybody's who may open one."""


ALWAYS: int = 2**62
"""A span that never ends: as long as incoming webhooks are kept at all."""


class Project(Struct, frozen=True):
    """Packages that are built together, as in Copr.

    Attributes:
        id: a number of ours, rising.
        ownername: a user, or `@group`.
        chroots: those that are enabled; with none, nothing is built.
    """

    id: int
    ownername: str
    name: str
    chroots: tuple[str, ...] = ()
    pull_requests: PullRequests = "none"

    @property
    def full_name(self) -> str:
        return f"{self.ownername}/{self.name}"


class Package(Struct, frozen=True):
    """What is built of a repository.

    Attributes:
        clone_url: any form of the repository's URL.
        committish: the branch it is built from; "" = any.
        subdirectory: where in the repository its sources are; "" = all of it.
        webhook_rebuild: whether webhooks build it.
    """

    name: str
    clone_url: str
    committish: str = ""
    subdirectory: str = ""
    webhook_rebuild: bool = False


class Person(Struct, frozen=True):
    """Who made a commit, as the forge says."""

    login: str = ""
    name: str = ""
    email: str = ""


class Once(Struct, frozen=True):
    """What tells of the same thing has the same `key`; within `within` ms of the first it is to count once."""

    key: str
    within: int


class Change(Struct, frozen=True, kw_only=True):
    """One ref that a push moved.

    Attributes:
        ref: whole: `refs/heads/main`, `refs/tags/v1`.
        before: commit it was at; "" for a new ref, and where the forge does not say.
        after: commit it is at; "" for a deleted ref, and where the forge does not say.
        files: paths that changed; None where the forge lists none or not all of them: `unlisted` says why.
        once: where the forge may tell of the change in two deliveries.
    """

    ref: str
    before: str = ""
    after: str = ""
    deleted: bool = False
    files: tuple[str, ...] | None = None
    unlisted: str = ""
    message: str = ""
    link: str = ""
    author: Person = Person()
    once: Once | None = None

    @property
    def is_tag(self) -> bool:
        return self.ref.startswith("refs/tags/")

    @property
    def name(self) -> str:
        """The ref as people say it: `main`, `v1`."""
        return self.ref.removeprefix("refs/heads/").removeprefix("refs/tags/")


class Push(Struct, frozen=True, kw_only=True):
    """Refs of a repository were moved, made or deleted.

    Attributes:
        urls: every form of the repository's URL that the forge gives.
        sender: login of who pushed.
    """

    forge: str
    urls: tuple[str, ...]
    changes: tuple[Change, ...]
    sender: str = ""


class PullRequest(Struct, frozen=True, kw_only=True):
    """There is something new to be built in a pull request.

    Attributes:
        urls: of the target repository, as for a push.
        target: branch it is to be merged into.
        before: commit the target branch is at, "" where the forge does not say.
        after: commit to build.
        source_url: repository (the fork, mostly) that has the commit.
        source_repo: its name, such as `ana/rpms`.
        source: branch of it.
        ref: where the target repository has the commit, as far as the forge makes such a ref.
        once: the same head of the same pull request.
    """

    forge: str
    urls: tuple[str, ...]
    number: int
    target: str
    after: str
    source_url: str
    source: str
    ref: str
    source_repo: str = ""
    before: str = ""
    title: str = ""
    message: str = ""
    link: str = ""
    author: Person = Person()
    sender: str = ""
    once: Once | None = None


class Ping(Struct, frozen=True):
    """The forge tries whether we are there."""

    forge: str


class Ignored(Struct, frozen=True):
    """Nothing that could build anything; `reason` says why, for a person."""

    reason: str


Told = Push | PullRequest | Ping | Ignored
