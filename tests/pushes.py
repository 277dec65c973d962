"""Pushes, a pull request and packages, for tests of what is built. Law: no assertion is made here."""

from msgspec import structs

from sidecar.projects import ALWAYS, Change, Once, Package, Person, Project, PullRequest, Push

URL = "https://git.example/rpms/all.git"
OLD, NEW = "0a" * 20, "1b" * 20
PROJECT = Project(id=7, ownername="@tools", name="daily", chroots=("fedora-41-x86_64", "fedora-42-x86_64"))
OPEN = structs.replace(PROJECT, pull_requests="open")
NANO = Package("nano", URL, webhook_rebuild=True)
DELIVERY = Once("github id 1", ALWAYS)


def moved(ref: str = "refs/heads/main", **other: object) -> Change:
    return structs.replace(Change(ref=ref, before=OLD, after=NEW, files=("nano/nano.spec",)), **other)


def pushed(*changes: Change, url: str = URL) -> Push:
    return Push(forge="github", urls=(url,), changes=changes or (moved(),), sender="ana")


PULL = PullRequest(
    forge="github",
    urls=(URL,),
    number=12,
    target="main",
    before=OLD,
    after=NEW,
    source_url="https://git.example/ana/all.git",
    source_repo="ana/all",
    source="mend",
    ref="refs/pull/12/head",
    title="Mend it",
    message="It was broken.",
    link="https://git.example/rpms/all/pull/12",
    author=Person("ana", "Ana", "ana@example.org"),
    sender="bob",
)


def package(**other: object) -> Package:
    return structs.replace(NANO, **other)
