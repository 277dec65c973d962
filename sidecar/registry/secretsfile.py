"""Secrets of endpoints set at run time, which win over the environment's.

Law: one plain file, whole at every moment: written under another name, then renamed, each on disk before we go on. Its
mode is 0600 from the first byte. No message holds anything of what is in it.
"""

import asyncio
import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from msgspec import DecodeError, Meta, Struct, json

from sidecar.errors import NoSpace, RegistryBroken
from sidecar.model import Secret

NAME = "secrets.json"
FULL = (errno.ENOSPC, errno.EDQUOT)

Key = Annotated[bytes, Meta(min_length=1)]
"""In JSON it is base64, so that any bytes survive."""


class Kept(Struct, forbid_unknown_fields=True):
    """The file: by endpoint, newest first."""

    secrets: dict[str, Annotated[list[Key], Meta(min_length=1)]]


class FileRegistry:
    """Implements `ports.Registry` by a file in `directory`, which no other process writes to.

    Raises:
        RegistryBroken: the file is there, and cannot be read or is damaged.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / NAME
        self._draft = directory / f"{NAME}.new"
        self._lock = asyncio.Lock()
        self._secrets = self._load()

    def secrets(self) -> Mapping[str, tuple[Secret, ...]]:
        return self._secrets

    async def put_secrets(self, endpoint: str, secrets: tuple[Secret, ...]) -> None:
        async with self._lock:
            await self._keep({**self._secrets, endpoint: secrets})

    async def delete_secrets(self, endpoint: str) -> bool:
        async with self._lock:
            rest = {name: secrets for name, secrets in self._secrets.items() if name != endpoint}
            if len(rest) == len(self._secrets):
                return False
            await self._keep(rest)
            return True

    async def _keep(self, secrets: Mapping[str, tuple[Secret, ...]]) -> None:
        kept = Kept({name: [secret.reveal() for secret in several] for name, several in secrets.items()})
        try:
            await asyncio.to_thread(self._write, json.encode(kept))
        except OSError as error:
            if error.errno in FULL:
                raise NoSpace(f"no space left to write {self._path}; the secrets are as before") from None
            raise RegistryBroken(
                f"{self._path} cannot be written ({error.strerror}): let uid {os.getuid()} write there, and try again"
            ) from None
        self._secrets = secrets

    def _write(self, content: bytes) -> None:
        self._draft.unlink(missing_ok=True)  # of one who died over it
        file = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "wb") as draft:
            draft.write(content)
            draft.flush()
            os.fsync(file)
        self._draft.rename(self._path)
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _load(self) -> Mapping[str, tuple[Secret, ...]]:
        try:
            self._draft.unlink(missing_ok=True)
            kept = json.decode(self._path.read_bytes(), type=Kept)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._broken(f"cannot be read ({error.strerror})", f"let uid {os.getuid()} read it") from None
        except (DecodeError, UnicodeDecodeError, RecursionError):
            raise self._broken("is damaged", "put back a copy of it") from None
        return {name: tuple(map(Secret, several)) for name, several in kept.secrets.items()}

    def _broken(self, fault: str, way_out: str) -> RegistryBroken:
        return RegistryBroken(
            f"{self._path} {fault}: {way_out}, or move it away, and the secrets of the environment count again"
        )
