"""All that is kept beside the outbox, opened and closed together. Law: one directory, which no other process writes
to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sidecar.registry.file import RegistryFile, open_file
from sidecar.registry.hooks import SqliteHooks
from sidecar.registry.projects import SqliteProjects, open_projects
from sidecar.registry.replays import SqliteReplays
from sidecar.registry.secretsfile import FileRegistry


@dataclass(frozen=True, slots=True)
class Kept:
    """`registry` is secrets.json; the others are tables of `file`."""

    registry: FileRegistry
    file: RegistryFile
    projects: SqliteProjects
    hooks: SqliteHooks
    replays: SqliteReplays


@asynccontextmanager
async def opened(directory: Path) -> AsyncIterator[Kept]:
    """What is in `directory`. Raises `RegistryBroken` and `NoSpace`."""
    registry = FileRegistry(directory)
    file = await open_file(directory)
    hooks = SqliteHooks(file)
    try:
        yield Kept(registry, file, await open_projects(file), hooks, SqliteReplays(file))
    finally:
        await hooks.close()
        await file.close()
