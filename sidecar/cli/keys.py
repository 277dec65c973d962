"""What a receiver checks by: secrets and public keys. Law: read as the sidecar reads its own; no message shows one."""

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import NamedTuple

import click

from sidecar.receiver import DIALECTS, public_keys
from sidecar.settings.families import FAMILIES
from sidecar.settings.files import secret, secrets
from sidecar.settings.source import Source
from sidecar.signing import PublicKeys, sign_standard

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
DEFAULTS = {
    dialect: next(setting.name for setting in family.group.settings if setting.field == "secrets")
    for dialect, family in FAMILIES.items()
}
"""By dialect, the variable with the secret."""


class Sender(NamedTuple):
    """Who sends, and what their requests are checked by; `url` is "" where none was told."""

    dialect: str
    secrets: list[bytes]
    keys: PublicKeys | tuple[()]
    url: str


def keyed(command: Callable[..., None]) -> Callable[..., None]:
    """Gives `command` the options that say who sends and what is checked by, and hands them to it as `sender`."""

    @click.option("--dialect", type=click.Choice(list(DIALECTS)), default="drone", show_default=True, help="Who sends.")
    @click.option("--secret-file", metavar="FILE", help="A file with the secret; several lines: any of them.")
    @click.option("--secret-env", metavar="NAME", help="The variable with the secret.  [default: the dialect's]")
    @click.option("--secret", metavar="TEXT", help="The secret itself; others on this machine can see it.")
    @click.option("--key", "files", type=FILE, multiple=True, help="Ed25519 public keys: a PEM, a JWK or a JWK Set.")
    @click.option("--url", default="", help="Where it was sent to, for rfc9421.")
    @wraps(command)
    def run(
        *args: object,
        dialect: str,
        secret_file: str,
        secret_env: str,
        secret: str,
        files: tuple[Path, ...],
        url: str,
        **kwargs: object,
    ) -> None:
        if sum(bool(option) for option in (secret_file, secret_env, secret)) > 1:
            raise click.UsageError("give one of --secret-file, --secret-env and --secret")
        keys = _public(files)
        found = find(secret_file, secret_env, secret, dialect=dialect, needed=not files)
        command(*args, sender=Sender(dialect, found, keys, url), **kwargs)

    return run


def find(
    file: str | None = None,
    variable: str | None = None,
    text: str | None = None,
    *,
    dialect: str = "drone",
    needed: bool = True,
) -> list[bytes]:
    """From where it was said, else from the dialect's own variable or its `_FILE`, of the environment or `.env`."""
    default = DEFAULTS[dialect]
    if not (file or text):
        given = Source(os.environ, Path.cwd()).values
        text = given.get(variable or default, "")
        file = "" if variable or text.strip() else given.get(f"{default}_FILE", "").strip()
    if not ((text or "").strip() or file):
        if not needed and not variable:
            return []
        raise click.UsageError(f"no secret in {variable or default}: set that, or give --secret-file or --secret-env")
    try:
        found = secrets(file, Path.cwd()) if file else secret(text or "", Path.cwd())
    except ValueError as fault:
        raise click.UsageError(f"the secret's file {fault}") from None
    keys = [key.reveal() for key in found]
    try:
        if dialect == "drone":
            sign_standard(keys, "", 0, b"")
    except ValueError as fault:
        raise click.UsageError(str(fault)) from None
    return keys


def _public(files: tuple[Path, ...]) -> PublicKeys | tuple[()]:
    if not files:
        return ()
    try:
        return public_keys([file.read_bytes() for file in files])
    except OSError as fault:
        raise click.UsageError(f"--key: {fault.filename}: {fault.strerror}") from None
    except ValueError as fault:
        raise click.UsageError(f"--key: {fault}") from None
