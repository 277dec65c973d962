"""Projects with their packages, secrets and forge keys, and the numbers of builds.

Law: all projects are in memory as they are on disk, so that who knocks with a wrong secret costs no look at the disk; a
change is in memory once it is on disk. What is kept has a bound.
"""

import json
from collections.abc import Callable, Mapping, Sequence

import apsw

from sidecar.errors import Conflicting, NotFound
from sidecar.incoming import Grant, Numbered, Registered, Wanted
from sidecar.model import FAR, Secret
from sidecar.projects import Package, Project
from sidecar.registry import statements as sql
from sidecar.registry.file import RegistryFile, rows

PROJECTS, PACKAGES = 1000, 1000
"""Projects, and packages of one, at most."""

SECRETS = 8
"""Of one project, at most: with more overlaps than that the oldest ends."""

STEP = 500
"""Rows forgotten in one commit."""


class SqliteProjects:
    """Implements `ports.Projects`; made by `open_projects`."""

    def __init__(self, file: RegistryFile, known: Mapping[tuple[str, str], Registered]) -> None:
        self._file = file
        self._known = dict(known)

    def find(self, ownername: str, name: str) -> Registered | None:
        return self._known.get((ownername, name))

    def all(self) -> Sequence[Registered]:
        return sorted(self._known.values(), key=lambda one: (one.project.ownername, one.project.name))

    async def add(self, project: Project) -> Registered:
        key = (project.ownername, project.name)

        def insert(db: apsw.Connection) -> int:
            if _id(db, *key):
                raise Conflicting(f"the project {project.full_name} is there already: edit it, or delete it first")
            if len(self._known) >= PROJECTS:
                raise Conflicting(f"there are {PROJECTS} projects, which is the most: delete one first")
            db.execute(sql.ADD_PROJECT, (*key, json.dumps(project.chroots), project.pull_requests))
            return db.last_insert_rowid()

        return await self._change(key, insert)

    async def edit(
        self,
        ownername: str,
        name: str,
        *,
        chroots: tuple[str, ...] | None = None,
        pull_requests: str | None = None,
        forge_keys: Mapping[str, tuple[Secret, ...]] = {},
    ) -> Registered:
        def update(db: apsw.Connection) -> int:
            id_ = _known(db, ownername, name)
            if chroots is not None:
                db.execute(sql.SET_CHROOTS, (id_, json.dumps(chroots)))
            if pull_requests is not None:
                db.execute(sql.SET_PULL_REQUESTS, (id_, pull_requests))
            for forge, keys in forge_keys.items():
                db.execute(sql.DROP_FORGE_KEYS, (id_, forge))
                for place, key in enumerate(keys):
                    db.execute(sql.ADD_FORGE_KEY, (id_, forge, place, key.reveal()))
            return id_

        return await self._change((ownername, name), update)

    async def delete(self, ownername: str, name: str) -> None:
        def drop(db: apsw.Connection) -> None:
            id_ = _known(db, ownername, name)
            for statement in sql.DELETE_PROJECT:
                db.execute(statement, (id_,))

        await self._file.change(drop)
        self._known.pop((ownername, name), None)

    async def grant(self, ownername: str, name: str, secret: Secret, *, now: int, overlap: int) -> Registered:
        def renew(db: apsw.Connection) -> int:
            id_ = _known(db, ownername, name)
            db.execute(sql.END_GRANTS, (id_, now + overlap))
            db.execute(sql.ADD_GRANT, (id_, secret.reveal(), FAR))
            db.execute(sql.DROP_GRANTS, (id_, now, SECRETS))
            return id_

        return await self._change((ownername, name), renew)

    async def put_package(self, ownername: str, name: str, package: Package, *, new: bool) -> Registered:
        def put(db: apsw.Connection) -> int:
            id_ = _known(db, ownername, name)
            there = {row[0] for row in rows(db, sql.PACKAGE_NAMES, (id_,))}
            if new and package.name in there:
                raise Conflicting(f"{ownername}/{name} has a package {package.name} already: edit it")
            if not new and package.name not in there:
                raise _no_package(ownername, name, package.name)
            if new and len(there) >= PACKAGES:
                raise Conflicting(f"{ownername}/{name} has {PACKAGES} packages, which is the most: delete one first")
            values = (package.clone_url, package.committish, package.subdirectory, int(package.webhook_rebuild))
            db.execute(sql.PUT_PACKAGE, (id_, package.name, *values))
            return id_

        return await self._change((ownername, name), put)

    async def delete_package(self, ownername: str, name: str, package: str) -> Registered:
        def drop(db: apsw.Connection) -> int:
            id_ = _known(db, ownername, name)
            db.execute(sql.DELETE_PACKAGE, (id_, package))
            if not db.changes():
                raise _no_package(ownername, name, package)
            return id_

        return await self._change((ownername, name), drop)

    async def number(self, project: Project, wanted: Sequence[Wanted], now: int) -> Sequence[Numbered]:
        if not wanted:
            return []
        return await self._file.change(lambda db: [_number(db, project.full_name, one, now) for one in wanted])

    async def prune(self, before: int) -> int:
        def forget(db: apsw.Connection) -> int:
            db.execute(sql.FORGET_BUILDS, (before, STEP))
            return db.changes()

        return await self._file.change(forget)

    async def _change(self, key: tuple[str, str], run: Callable[[apsw.Connection], int]) -> Registered:
        """`run` returns the project's number; what comes of it is in memory once it is on disk."""
        self._known[key] = changed = await self._file.change(lambda db: _read(db, run(db)))
        return changed


async def open_projects(file: RegistryFile) -> SqliteProjects:
    """The projects that are kept in `file`."""

    def load(db: apsw.Connection) -> list[Registered]:
        return [_read(db, row[0]) for row in rows(db, sql.PROJECT_IDS)]

    found = await file.look(load)
    return SqliteProjects(file, {(one.project.ownername, one.project.name): one for one in found})


def _id(db: apsw.Connection, ownername: str, name: str) -> int:
    """The project's number, 0 where there is none."""
    return next((row[0] for row in rows(db, sql.PROJECT_ID, (ownername, name))), 0)


def _known(db: apsw.Connection, ownername: str, name: str) -> int:
    if not (id_ := _id(db, ownername, name)):
        raise NotFound(f"there is no project {ownername}/{name}; `sidecar project list` shows those there are")
    return id_


def _no_package(ownername: str, name: str, package: str) -> NotFound:
    return NotFound(f"{ownername}/{name} has no package {package}; `sidecar project package list` shows those it has")


def _read(db: apsw.Connection, id_: int) -> Registered:
    [(ownername, name, chroots, pull_requests)] = rows(db, sql.PROJECT, (id_,))
    keys: dict[str, tuple[Secret, ...]] = {}
    for forge, key in rows(db, sql.FORGE_KEYS, (id_,)):
        keys[forge] = (*keys.get(forge, ()), Secret(key))
    return Registered(
        Project(id_, ownername, name, tuple(json.loads(chroots)), pull_requests),
        tuple([_package(*row) for row in rows(db, sql.PACKAGES, (id_,))]),
        tuple([Grant(Secret(secret), until) for secret, until in rows(db, sql.GRANTS, (id_,))]),
        keys,
    )


def _package(name: str, clone_url: str, committish: str, subdirectory: str, rebuild: int) -> Package:
    return Package(name, clone_url, committish, subdirectory, bool(rebuild))


def _number(db: apsw.Connection, project: str, wanted: Wanted, now: int) -> Numbered:
    """The number it has, the one that the same thing has, or the next."""
    package = f"{project}/{wanted.package}"
    key, once = wanted.key, wanted.once
    known = rows(db, sql.NUMBERED, (package, key.key, now - key.within))
    if not known and once is not None:
        known = rows(db, sql.NUMBERED_ONCE, (package, once.key, now - once.within))
    if known:
        return Numbered(wanted.package, *known[0])
    [(number,)] = rows(db, sql.COUNT, (package,))
    db.execute(sql.NUMBER, (package, key.key, number, once.key if once else "", now))
    return Numbered(wanted.package, number, key.key, now)
