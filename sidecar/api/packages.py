"""`/api_3/package`: what webhooks build. Law: what goes on to builders, who hand it to git, is checked here."""

import re

from aiohttp import web
from msgspec import Struct, structs

from sidecar.api.answers import answer
from sidecar.api.members import members, not_usable
from sidecar.api.parts import PARTS
from sidecar.api.projects import find, names
from sidecar.api.query import NUMBER, asked, limit, text
from sidecar.errors import Malformed, NotFound
from sidecar.incoming import Registered
from sidecar.projects import Package

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,127}")
CLONE_URL = re.compile(
    r"(?=.{1,1024}\Z)"
    r"(?:(?:https?|ssh|git)://(?:[^\s/:@?#]+@)?[^\s/@?#]+/[^\s?#]+"  # scheme://user@host/path
    r"|[\w.-]+@[\w.-]+:[^\s?#]+)",  # user@host:path
    re.ASCII,
)
COMMITTISH = re.compile(r"(?![-/])[^\s~^:?*\[\\]{0,255}")
SUBDIRECTORY = re.compile(r"(?![-/])(?!(?:.*/)?\.\.(?:/|\Z))[^\x00-\x1f\x7f\\]{0,255}")


class NewPackage(Struct, forbid_unknown_fields=True):
    """The body of `package/add`."""

    clone_url: str
    committish: str = ""
    subdirectory: str = ""
    webhook_rebuild: bool = False


class PackageEdit(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The body of `package/edit`: what is left out stays."""

    clone_url: str | None = None
    committish: str | None = None
    subdirectory: str | None = None
    webhook_rebuild: bool | None = None


class Source(Struct):
    """Where a package is built from."""

    clone_url: str
    committish: str
    subdirectory: str


class PackageView(Struct):
    """A package, as Copr tells of one; `auto_rebuild` is what `webhook_rebuild` set."""

    name: str
    ownername: str
    projectname: str
    source_type: str
    source_dict: Source
    auto_rebuild: bool


class Meta(Struct):
    """Of a list, as Copr has it."""

    limit: int
    offset: int
    order: str = "name"
    order_type: str = "ASC"


class PackageList(Struct):
    """A page of packages."""

    items: list[PackageView]
    meta: Meta


async def get_packages(request: web.Request) -> web.StreamResponse:
    """Those of one project, by name."""
    parts = request.app[PARTS]
    given = asked(request, {"ownername": text, "projectname": text, "limit": limit, "offset": _offset}, 0)
    ownername, name = str(given.get("ownername", "")), str(given.get("projectname", ""))
    if not ownername or not name:
        raise Malformed("ownername and projectname say whose packages")
    found = parts.projects.find(ownername, name)
    if found is None:
        raise NotFound(
            f"there is no project {ownername[:101]}/{name[:100]}; `sidecar project list` shows those there are"
        )
    meta = Meta(int(given.get("limit", 100)), int(given.get("offset", 0)))
    shown = found.packages[meta.offset : meta.offset + meta.limit]
    return answer(PackageList([_view(found, one) for one in shown], meta))


async def add_package(request: web.Request) -> web.StreamResponse:
    """A package that is not there yet."""
    parts = request.app[PARTS]
    given = await members(request, NewPackage, parts.stall)
    package = request.match_info["package"]
    if not NAME.fullmatch(package):
        raise not_usable("is letters, digits, _ . + - and at most 128 of them", "package")
    return await _put(request, Package(package, **structs.asdict(given)), new=True)


async def edit_package(request: web.Request) -> web.StreamResponse:
    """What is given is as given from now on; what is not stays."""
    parts = request.app[PARTS]
    given = await members(request, PackageEdit, parts.stall)
    changes = {name: value for name, value in structs.asdict(given).items() if value is not None}
    return await _put(request, structs.replace(_find(request), **changes), new=False)


async def delete_package(request: web.Request) -> web.StreamResponse:
    """No webhook builds it any more; its numbers stay taken."""
    parts, (ownername, name) = request.app[PARTS], names(request)
    package = _find(request)
    changed = await parts.projects.delete_package(ownername, name, package.name)
    return answer(_view(changed, package))


async def _put(request: web.Request, package: Package, *, new: bool) -> web.Response:
    if not CLONE_URL.fullmatch(package.clone_url):
        told = "is a repository's URL by https, http, ssh or git, or user@host:path; without a password or query"
        raise not_usable(told, "clone_url")
    if not COMMITTISH.fullmatch(package.committish):
        raise not_usable("is a branch's name; empty for any", "committish")
    if not SUBDIRECTORY.fullmatch(package.subdirectory):
        raise not_usable("is a path within the repository; empty for all of it", "subdirectory")
    ownername, name = names(request)
    changed = await request.app[PARTS].projects.put_package(ownername, name, package, new=new)
    return answer(_view(changed, package))


def _find(request: web.Request) -> Package:
    project, name = find(request), request.match_info["package"]
    for one in project.packages:
        if one.name == name:
            return one
    known = ", ".join([one.name for one in project.packages[:20]]) or "none"
    raise NotFound(f"{project.project.full_name} has no package {name[:128]!r}; it has {known}")


def _view(found: Registered, one: Package) -> PackageView:
    project = found.project
    source = Source(one.clone_url, one.committish, one.subdirectory)
    return PackageView(one.name, project.ownername, project.name, "scm", source, one.webhook_rebuild)


def _offset(given: str, _: int) -> int:
    if not NUMBER.fullmatch(given):
        raise ValueError("is a number")
    return int(given)
