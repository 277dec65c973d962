"""`/api_3/project` and `/api_3/webhook`: projects as Copr has them, and their secrets.

Law: a secret is in one answer, the one that tells of its making, and in no other.
"""

import re
from typing import Literal

import structlog
from aiohttp import web
from msgspec import Struct, structs

from sidecar.api.answers import answer
from sidecar.api.members import members, not_usable
from sidecar.api.moments import SPAN, UNITS
from sidecar.api.parts import PARTS
from sidecar.api.query import asked, text
from sidecar.errors import NotFound
from sidecar.incoming import Registered
from sidecar.model import Secret
from sidecar.ports import Projects
from sidecar.projects import Project

OWNER = re.compile(r"@?[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
CHROOT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}")
CHROOTS = 100
OVERLAP = 30 * UNITS["d"]

FORGES = ("github", "gitea", "gitlab", "bitbucket", "pagure")
KEYS, LONGEST = 8, 1024
"""Keys of one forge, and bytes of one."""

log = structlog.get_logger()


class NewProject(Struct, forbid_unknown_fields=True):
    """The body of `project/add`."""

    name: str
    chroots: list[str] = []
    pull_requests: Literal["none", "open"] = "none"


class ProjectEdit(Struct, forbid_unknown_fields=True):
    """The body of `project/edit`: what is left out stays."""

    chroots: list[str] | None = None
    pull_requests: Literal["none", "open"] | None = None
    forge_keys: dict[str, str | list[str] | None] = {}


class Nothing(Struct):
    """A body that says nothing that matters, such as Copr's `{"verify": true}`."""


class ProjectView(Struct):
    """A project. Of secrets and keys only how many there are."""

    id: int
    name: str
    ownername: str
    full_name: str
    chroots: tuple[str, ...]
    pull_requests: str
    packages: int
    webhook_secrets: int
    forge_keys: dict[str, int]


class GeneratedView(Struct):
    """A new secret, as Copr tells it."""

    id: int
    name: str
    ownername: str
    full_name: str
    webhook_secret: str


async def get_projects(request: web.Request) -> web.StreamResponse:
    """All of them, or one owner's."""
    parts = request.app[PARTS]
    now = parts.clock.now()
    owner = asked(request, {"ownername": text}, now).get("ownername")
    found = [one for one in parts.projects.all() if owner in (None, one.project.ownername)]
    return answer({"items": [_view(one, now) for one in found]})


async def add_project(request: web.Request) -> web.StreamResponse:
    """A project without packages, and without a secret until one is generated."""
    parts = request.app[PARTS]
    given = await members(request, NewProject, parts.stall)
    ownername = request.match_info["ownername"]
    if not OWNER.fullmatch(ownername):
        raise not_usable("is a user or @group: letters, digits, _ . - and at most 100 of them", "ownername")
    if not NAME.fullmatch(given.name):
        raise not_usable("is letters, digits, _ . - and at most 100 of them", "name")
    project = Project(0, ownername, given.name, _chroots(given.chroots), given.pull_requests)
    return answer(_view(await parts.projects.add(project), parts.clock.now()))


async def edit_project(request: web.Request) -> web.StreamResponse:
    """What is given is as given from now on; what is not stays."""
    parts, (ownername, name) = request.app[PARTS], names(request)
    given = await members(request, ProjectEdit, parts.stall)
    changed = await parts.projects.edit(
        ownername,
        name,
        chroots=None if given.chroots is None else _chroots(given.chroots),
        pull_requests=given.pull_requests,
        forge_keys={forge: _keys(forge, keys) for forge, keys in given.forge_keys.items()},
    )
    return answer(_view(changed, parts.clock.now()))


async def delete_project(request: web.Request) -> web.StreamResponse:
    """With its packages, its secrets and keys."""
    parts, (ownername, name) = request.app[PARTS], names(request)
    await members(request, Nothing, parts.stall)
    gone = find(request)
    await parts.projects.delete(ownername, name)
    return answer(_view(gone, parts.clock.now()))


async def generate(request: web.Request) -> web.StreamResponse:
    """A new secret; the old one ends at once, or after `overlap`."""
    parts, (ownername, name) = request.app[PARTS], names(request)
    now = parts.clock.now()
    overlap = asked(request, {"overlap": _overlap}, now).get("overlap", 0)
    await members(request, Nothing, parts.stall)
    secret = parts.new_secret()
    granted = await parts.projects.grant(ownername, name, Secret(secret.encode()), now=now, overlap=int(overlap))
    project = granted.project
    log.info("project.secret_changed", project=project.full_name, overlap_ms=overlap)
    return answer(GeneratedView(project.id, project.name, project.ownername, project.full_name, secret))


def names(request: web.Request) -> tuple[str, str]:
    """Owner and name of the project that the path names."""
    return request.match_info["ownername"], request.match_info["projectname"]


def find(request: web.Request) -> Registered:
    """The project that the path names. Raises `NotFound`."""
    return known(request.app[PARTS].projects, *names(request))


def known(projects: Projects, ownername: str, name: str) -> Registered:
    """The project of that name. Raises `NotFound`."""
    if (found := projects.find(ownername, name)) is None:
        full_name = f"{ownername[:101]}/{name[:100]}"
        raise NotFound(f"there is no project {full_name}; `sidecar project list` shows those there are")
    return found


def _view(one: Registered, now: int) -> ProjectView:
    return ProjectView(
        **structs.asdict(one.project),
        full_name=one.project.full_name,
        packages=len(one.packages),
        webhook_secrets=len(one.secrets(now)),
        forge_keys={forge: len(keys) for forge, keys in one.forge_keys.items()},
    )


def _chroots(given: list[str]) -> tuple[str, ...]:
    for number, chroot in enumerate(given):
        if not CHROOT.fullmatch(chroot):
            raise not_usable("is letters, digits, _ . + - such as fedora-44-x86_64", "chroots", str(number))
    if len(given) > CHROOTS:
        raise not_usable(f"are {len(given)}; there may be {CHROOTS}", "chroots")
    return tuple(dict.fromkeys(given))


def _keys(forge: str, given: str | list[str] | None) -> tuple[Secret, ...]:
    if forge not in FORGES:
        raise not_usable(f"has no such forge; there is {', '.join(FORGES)}", "forge_keys")
    keys = [given] if isinstance(given, str) else given or []
    if len(keys) > KEYS or not all(0 < len(key.encode()) <= LONGEST and key.isprintable() for key in keys):
        raise not_usable(
            f"is a key, or a list of at most {KEYS}, newest first, each printable and of at most {LONGEST} bytes; "
            "null for none",
            *("forge_keys", forge),
        )
    return tuple([Secret(key.encode()) for key in keys])


def _overlap(given: str, _: int) -> int:
    span = SPAN.fullmatch(given)
    if span is None or (overlap := int(span[1]) * UNITS[span[2]]) > OVERLAP:
        raise ValueError("is how long the old secret is still good, such as 1h; at most 30d")
    return overlap
