"""What is kept beside the outbox, in the data directory. Law: what changes something returns once it is on disk."""

from sidecar.registry.file import RegistryFile, open_file
from sidecar.registry.hooks import SqliteHooks
from sidecar.registry.kept import Kept, opened
from sidecar.registry.projects import SqliteProjects, open_projects
from sidecar.registry.replays import SqliteReplays
from sidecar.registry.secretsfile import FileRegistry

__all__ = [
    "FileRegistry",
    "Kept",
    "RegistryFile",
    "SqliteHooks",
    "SqliteProjects",
    "SqliteReplays",
    "open_file",
    "open_projects",
    "opened",
]
