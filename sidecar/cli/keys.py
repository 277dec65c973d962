"""Where a receiver's secrets come from. Law: read as the sidecar reads its own; no message shows one."""

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path

import click

from sidecar.settings.files import secret, secrets
from sidecar.settings.source import Source
from sidecar.signing import sign_standard

DEFAULT = "DRONE_WEBHOOK_SECRET"


def keyed(command: Callable[..., None]) -> Callable[..., None]:
    """Gives `command` the options that name a secret, and the secrets as `secrets: list[bytes]`, newest first."""

    @click.option("--secret-file", metavar="FILE", help="A file with the secret; several lines: any of them.")
    @click.option("--secret-env", metavar="NAME", help=f"The variable with the secret.  [default: {DEFAULT}]")
    @click.option("--secret", metavar="TEXT", help="The secret itself; others on this machine can see it.")
    @wraps(command)
    def run(*args: object, secret_file: str, secret_env: str, secret: str, **kwargs: object) -> None:
        if sum(bool(option) for option in (secret_file, secret_env, secret)) > 1:
            raise click.UsageError("give one of --secret-file, --secret-env and --secret")
        command(*args, secrets=find(secret_file, secret_env, secret), **kwargs)

    return run


def find(file: str | None = None, variable: str | None = None, text: str | None = None) -> list[bytes]:
    """From where it was said, else from `DRONE_WEBHOOK_SECRET` or its `_FILE`, of the environment or `.env`."""
    if not (file or text):
        given = Source(os.environ, Path.cwd()).values
        text = given.get(variable or DEFAULT, "")
        file = "" if variable or text.strip() else given.get(f"{DEFAULT}_FILE", "").strip()
    if not ((text or "").strip() or file):
        raise click.UsageError(f"no secret in {variable or DEFAULT}: set that, or give --secret-file or --secret-env")
    try:
        found = secrets(file, Path.cwd()) if file else secret(text or "", Path.cwd())
    except ValueError as fault:
        raise click.UsageError(f"the secret's file {fault}") from None
    keys = [key.reveal() for key in found]
    try:
        sign_standard(keys, "", 0, b"")
    except ValueError as fault:
        raise click.UsageError(str(fault)) from None
    return keys
