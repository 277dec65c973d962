"""`project`: what incoming webhooks build. Law: one change by one request; a secret is shown once, when it is made."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from sidecar.cli.client import Client, Failure, segment
from sidecar.cli.options import speaks
from sidecar.cli.text import clean, table

PROJECTS = ("project", ">packages", "chroots", "pull requests", ">secrets", "forge keys")
PACKAGES = ("package", "webhooks build it", "clone_url", "committish", "subdirectory")
LONGEST = 1024

Json = dict[str, Any]
Command = Callable[..., None]

chroots = click.option("--chroot", "chroots", multiple=True, metavar="NAME", help="Enabled; once for each.")
pull_requests = click.option(
    "--pull-requests",
    type=click.Choice(["none", "open"]),
    help="Whose pull requests are built: nobody's, or anybody's.",
)


@click.group()
def project() -> None:
    """Projects and packages that incoming webhooks build."""


class Name(NamedTuple):
    """A project's; `path` is two segments of a route."""

    owner: str
    name: str

    @property
    def path(self) -> str:
        return f"{segment(self.owner)}/{segment(self.name)}"

    def __str__(self) -> str:
        return clean(f"{self.owner}/{self.name}")


class _Named(click.ParamType[Name]):
    """`OWNER/NAME`."""

    name = "OWNER/NAME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Name:
        parts = str(value).split("/")
        if len(parts) != 2 or not all(parts):
            self.fail(f"{value!r} is no project: write OWNER/NAME, such as web/shop or @web/shop", param, ctx)
        return Name(*parts)


named = click.argument("name", metavar="OWNER/NAME", type=_Named())


@project.command("add")
@named
@chroots
@pull_requests
@speaks
def add(client: Client, name: Name, *, chroots: Sequence[str], pull_requests: str | None) -> None:
    """Add a project; then give it packages, and generate its secret."""
    body = {"name": name.name, "chroots": list(chroots), "pull_requests": pull_requests or "none"}
    _tell(client, _post(client, f"project/add/{segment(name.owner)}", body), "added")


@project.command("generate")
@named
@click.option("--overlap", metavar="LENGTH", help="How long the old secret is still good, such as 1h.  [default: 0s]")
@speaks
def generate(client: Client, name: Name, *, overlap: str | None) -> None:
    """Generate a new webhook secret, show it, and end the old one."""
    query = f"?overlap={segment(overlap)}" if overlap else ""
    told = _post(client, f"webhook/generate/{name.path}{query}", {})
    if client.raw:
        return
    secret = clean(told["webhook_secret"])
    click.echo(f"{clean(told['full_name'])}: new webhook secret, shown this once:\n\n  {secret}\n")
    click.echo(f"the forge posts to   http(s)://<where SIDECAR_LISTEN is reached>/webhooks/{name}/{secret}/")
    click.echo("and signs with it    where the forge asks for a secret")


@project.command("list")
@click.argument("owner", required=False)
@speaks
def list_(client: Client, owner: str | None) -> None:
    """List projects, or those of OWNER."""
    found = client.good(client.get("/api_3/project/list", {"ownername": owner})).json()["items"]
    if client.raw:
        return
    rows = [
        (
            one["full_name"],
            one["packages"],
            ", ".join(one["chroots"]) or "none: builds nothing",
            one["pull_requests"],
            one["webhook_secrets"] or "none: sidecar project generate",
            ", ".join(one["forge_keys"]),
        )
        for one in found
    ]
    click.echo(table(PROJECTS, rows) if rows else "no projects; sidecar project add OWNER/NAME", err=not rows)


@project.command("edit")
@named
@chroots
@click.option("--no-chroots", is_flag=True, help="Enable none: builds nothing.")
@pull_requests
@click.option(
    "--forge-key",
    "forge_keys",
    multiple=True,
    metavar="FORGE=KEY",
    help="The key that the forge signs with, such as pagure=KEY; =@FILE or =- reads it, = alone takes it away.",
)
@speaks
def edit(
    client: Client,
    name: Name,
    *,
    chroots: Sequence[str],
    no_chroots: bool,
    pull_requests: str | None,
    forge_keys: Sequence[str],
) -> None:
    """Change what is given; what is not stays."""
    body: Json = {}
    if chroots or no_chroots:
        body["chroots"] = list(chroots)
    if pull_requests:
        body["pull_requests"] = pull_requests
    if forge_keys:
        body["forge_keys"] = dict(map(_forge_key, forge_keys))
    if not body:
        raise click.UsageError("nothing to change: see sidecar project edit --help")
    _tell(client, _post(client, f"project/edit/{name.path}", body), "changed")


@project.command("delete")
@named
@click.option("--yes", is_flag=True, help="Do not ask.")
@speaks
def delete(client: Client, name: Name, *, yes: bool) -> None:
    """Delete a project with its packages, secret and keys."""
    if not yes:
        click.confirm(f"delete {name} with its packages, secret and keys?", abort=True, err=True)
    _tell(client, _post(client, f"project/delete/{name.path}", {}), "deleted")


@project.group("package")
def package() -> None:
    """Packages of a project."""


def _sources(command: Command) -> Command:
    """The options that say where a package is built from."""
    for option in (
        click.option("--webhook-rebuild/--no-webhook-rebuild", default=None, help="Whether webhooks build it."),
        click.option("--subdirectory", metavar="PATH", help="Where in the repository it is."),
        click.option("--committish", metavar="BRANCH", help="The branch it is built from; empty: any."),
        click.option("--clone-url", metavar="URL", help="Its repository, by https or ssh."),
    ):
        command = option(command)
    return command


@package.command("add")
@named
@click.argument("package")
@_sources
@speaks
def add_package(client: Client, name: Name, package: str, **source: object) -> None:
    """Add PACKAGE; webhooks build it unless --no-webhook-rebuild."""
    if source["webhook_rebuild"] is None:
        source["webhook_rebuild"] = True
    _tell_package(client, _post(client, f"package/add/{name.path}/{segment(package)}", _given(source)), "added")


@package.command("edit")
@named
@click.argument("package")
@_sources
@speaks
def edit_package(client: Client, name: Name, package: str, **source: object) -> None:
    """Change what is given of PACKAGE; what is not stays."""
    if not (body := _given(source)):
        raise click.UsageError("nothing to change: see sidecar project package edit --help")
    _tell_package(client, _post(client, f"package/edit/{name.path}/{segment(package)}", body), "changed")


@package.command("delete")
@named
@click.argument("package")
@speaks
def delete_package(client: Client, name: Name, package: str) -> None:
    """Delete PACKAGE; its build numbers stay taken."""
    _tell_package(client, _post(client, f"package/delete/{name.path}/{segment(package)}", {}), "deleted")


@package.command("list")
@named
@speaks
def list_packages(client: Client, name: Name) -> None:
    """List the packages of a project."""
    query = {"ownername": name.owner, "projectname": name.name, "limit": 1000}
    found = client.good(client.get("/api_3/package/list", query)).json()["items"]
    if client.raw:
        return
    rows = [(one["name"], "yes" if one["auto_rebuild"] else "no", *one["source_dict"].values()) for one in found]
    click.echo(table(PACKAGES, rows) if rows else "no packages; sidecar project package add", err=not rows)


def _given(source: dict[str, object]) -> Json:
    return {name: value for name, value in source.items() if value is not None}


def _post(client: Client, route: str, body: Json) -> Json:
    told: Json = client.good(client.post(f"/api_3/{route}", json.dumps(body).encode())).json()
    return told


def _tell(client: Client, told: Json, done: str) -> None:
    if not client.raw:
        chroots = ", ".join(told["chroots"]) or "no chroot enabled: it builds nothing"
        click.echo(f"{clean(told['full_name'])}: {done}; {clean(chroots)}")


def _tell_package(client: Client, told: Json, done: str) -> None:
    if not client.raw:
        builds = "webhooks build it" if told["auto_rebuild"] else "webhooks do not build it"
        click.echo(f"{clean(told['ownername'])}/{clean(told['projectname'])}/{clean(told['name'])}: {done}; {builds}")


def _forge_key(text: str) -> tuple[str, str | None]:
    """`FORGE=KEY`: a key on a command line can be seen by others on this machine; `@FILE` and `-` cannot."""
    forge, sign, key = text.partition("=")
    if not sign:
        raise click.BadParameter("write FORGE=KEY, FORGE=@FILE or FORGE=-", param_hint="--forge-key")
    if key == "-":
        key = click.open_file("-", "rb").read(LONGEST + 2).decode(errors="replace").strip()
    elif key.startswith("@"):
        try:
            key = Path(key[1:]).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as fault:
            raise Failure(f"sidecar: {clean(key[1:])} cannot be read: {type(fault).__name__}") from None
    return forge, key or None
