"""Which packages a push or a pull request builds, why the others are left out, and the Drone event that a build is.

Law: pure. A package that is not built has a reason that says how to have it built. The rules are Copr's, with what its
users asked for: branches by their whole names, URLs in any form, and no push that is lost for want of a list of files.
"""

import re
from collections.abc import Sequence
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

from msgspec import Struct, json

from sidecar.projects import Change, Once, Package, Project, PullRequest, Push
from sidecar.repositories import normal, public

DIGIT = re.compile(r"[0-9]", re.ASCII)
LONGEST_MESSAGE = 4096
LONGEST_LINE = 200


class Build(Struct, frozen=True):
    """A package to build.

    Attributes:
        told: of what.
        change: the ref, of a push.
        note: why it counts as changed where that is not certain, "" where it is.
    """

    package: Package
    event: Literal["push", "tag", "pull_request"]
    told: Push | PullRequest
    change: Change | None = None
    note: str = ""

    @property
    def once(self) -> Once | None:
        """Of two builds of one package with this key, the later one is left out; None where there can be no two."""
        return self.change.once if self.change else self.told.once if isinstance(self.told, PullRequest) else None


class Skipped(Struct, frozen=True):
    """A package that is not built."""

    package: str
    reason: str


Matched = tuple[list[Build], list[Skipped]]


def match(told: Push | PullRequest, project: Project, packages: Sequence[Package], *, named: str = "") -> Matched:
    """What to build, and what not, with the reasons; in the order of the packages. `named` is the package that the
    webhook's URL names: no other is built, and its tags may be called anything."""
    where = {normal(url) for url in told.urls} - {""}
    builds: list[Build] = []
    skipped: list[Skipped] = []
    for package in packages:
        if named and package.name != named:
            continue
        reason = _not_at_all(where, project, package)
        if reason:
            skipped.append(Skipped(package.name, reason))
            continue
        if isinstance(told, PullRequest):
            found = [_pull_request(told, project, package)]
        else:
            found = [_change(told, change, package, named=bool(named)) for change in told.changes]
        made = [one for one in found if isinstance(one, Build)]
        builds += made
        if not made:
            reasons = dict.fromkeys([one for one in found if isinstance(one, str)])
            skipped.append(Skipped(package.name, "; ".join(reasons) or "the push changed nothing"))
    return builds, skipped


def _not_at_all(where: set[str], project: Project, package: Package) -> str:
    """Why no push to these repositories builds the package, "" where one can."""
    own = normal(package.clone_url)
    if own not in where:
        there = " or ".join(sorted(where))
        near = own.lower() in {one.lower() for one in where}
        hint = ", which differs in upper and lower case" if near else ""
        return f"its clone_url is {own or 'no URL'}, the webhook is for {there}{hint}"
    if not package.webhook_rebuild:
        return "webhook_rebuild is off; set it to have webhooks build the package"
    if not project.chroots:
        return f"no chroot of {project.full_name} is enabled"
    return ""


def _change(push: Push, change: Change, package: Package, *, named: bool) -> Build | str:
    """The build, or why there is none."""
    if change.deleted:
        return f"{change.name} was deleted"
    if change.is_tag:
        if not named and not is_tag_of(change.name, package.name):
            own = package.name
            return f"tag {change.name} is not of this package; {own}-VERSION and {own}-VERSION-RELEASE are"
        return Build(package, "tag", push, change)
    if not change.after or change.after == change.before:
        return f"the push to {change.name} changed nothing"
    if not change.ref.startswith("refs/heads/"):
        return f"{change.ref} is neither a branch nor a tag"
    if reason := _other_branch(change.ref, package):
        return reason
    place = _subdirectory(package)
    if place and change.files is not None and not any(_is_under(path, place) for path in change.files):
        return f"nothing under {place} was changed"
    note = f"counts as changed: {change.unlisted}" if place and change.files is None else ""
    return Build(package, "push", push, change, note)


def _pull_request(pull: PullRequest, project: Project, package: Package) -> Build | str:
    """The build, or why there is none."""
    if project.pull_requests == "none":
        return f"{project.full_name} does not build pull requests; pull_requests=open lets anybody's be built"
    if reason := _other_branch(f"refs/heads/{pull.target}", package):
        return reason
    note = "counts as changed: pull requests come without a list of files" if _subdirectory(package) else ""
    return Build(package, "pull_request", pull, note=note)


def _other_branch(ref: str, package: Package) -> str:
    """Why a push to this branch is none of the package's; the whole name counts, not its end."""
    if package.committish in {"", ref, ref.removeprefix("refs/heads/")}:
        return ""
    return f"branch {ref.removeprefix('refs/heads/')} is not its committish, {package.committish}"


def is_tag_of(tag: str, package: str) -> bool:
    """Whether the tag is `<package><sep>VERSION` or `<package><sep>VERSION<sep>RELEASE`, as Copr has it: `sep` is `-`
    or `_`, both parts have a digit in them, and between the parts of the package's own name either may stand."""
    for separator in "-_":
        parts = tag.split(separator)
        for dropped in (1, 2):
            name, version = parts[:-dropped], parts[-dropped:]
            if package in {"-".join(name), "_".join(name)} and all(DIGIT.search(part) for part in version):
                return True
    return False


def _subdirectory(package: Package) -> str:
    return "/".join([part for part in package.subdirectory.split("/") if part not in {"", "."}])


def _is_under(path: str, place: str) -> bool:
    """A path that is the place itself is a submodule there."""
    return path == place or path.startswith(place + "/")


def identity(build: Build, project: Project, delivery: Once) -> str:
    """The id of the build's event: the same whenever the same delivery builds the same package from the same ref."""
    ref = build.change.ref if build.change else ""
    return str(uuid5(NAMESPACE_URL, "\n".join([delivery.key, str(project.id), build.package.name, ref])))


def event(build: Build, project: Project, *, number: int, now: int, id: str) -> bytes:
    """The Drone event `build:created` of a build, in the form that `POST /events` takes: `number` is counted for the
    package, `id` is as `identity` makes it, and `now` (ms) is the one thing in it that is not of the delivery."""
    head = {"id": id, "event": "build", "action": "created"}
    return json.encode({**head, "repo": _repo(build, project, number), "build": _build(build, project, number, now)})


def _repo(build: Build, project: Project, number: int) -> dict[str, object]:
    package = build.package
    url = public(package.clone_url)
    is_http = url.startswith(("http://", "https://"))
    return {
        "namespace": project.full_name,
        "name": package.name,
        "slug": f"{project.full_name}/{package.name}",
        "scm": "git",
        "git_http_url": url if is_http else "",
        "git_ssh_url": "" if is_http else url,
        "link": url.removesuffix("/").removesuffix(".git") if is_http else "",
        "default_branch": package.committish,
        "active": True,
        "counter": number,
    }


def _build(build: Build, project: Project, number: int, now: int) -> dict[str, object]:
    said = _of_pull(build.told) if isinstance(build.told, PullRequest) else _of_change(build)
    source, committish = str(said.pop("clone_url")), str(said.pop("committish"))
    seconds = now // 1000
    return {
        "trigger": "@hook",
        "number": number,
        "status": "pending",
        "event": build.event,
        "action": "",
        **said,
        "sender": _line(build.told.sender),
        "params": {
            "package": build.package.name,
            "project": project.full_name,
            "chroots": ",".join(project.chroots),
            "subdirectory": _subdirectory(build.package),
            "background": "true",
            "clone_url": source,
            "committish": committish,
        },
        "timestamp": seconds,
        "created": seconds,
        "updated": seconds,
    }


def _of_change(build: Build) -> dict[str, object]:
    change = build.change or Change(ref="")
    branch = change.name if build.event == "push" else build.package.committish
    return {
        "link": change.link,
        "title": _line(change.message),
        "message": change.message[:LONGEST_MESSAGE],
        "before": change.before,
        "after": change.after,
        "ref": change.ref,
        "source": branch,
        "target": branch,
        "author_login": _line(change.author.login),
        "author_name": _line(change.author.name),
        "author_email": _line(change.author.email),
        "clone_url": public(build.package.clone_url),
        "committish": change.after if build.event == "push" else change.name,
    }


def _of_pull(pull: PullRequest) -> dict[str, object]:
    return {
        "link": pull.link,
        "title": _line(pull.title),
        "message": pull.message[:LONGEST_MESSAGE],
        "before": pull.before,
        "after": pull.after,
        "ref": pull.ref,
        "source_repo": pull.source_repo,
        "source": pull.source,
        "target": pull.target,
        "author_login": _line(pull.author.login),
        "author_name": _line(pull.author.name),
        "author_email": _line(pull.author.email),
        "clone_url": public(pull.source_url),
        "committish": pull.after,
    }


def _line(text: str) -> str:
    """The first line, in short."""
    return text.partition("\n")[0].strip()[:LONGEST_LINE]
