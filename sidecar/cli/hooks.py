"""`hooks`: what other machines posted. Law: reads and shows; what was refused has its reason."""

from collections.abc import Mapping
from typing import Any

import click

from sidecar.cli.client import Client
from sidecar.cli.moments import ago, now
from sidecar.cli.options import speaks
from sidecar.cli.text import Cell, clean, excerpt, table

HOOKS = (">id", "came", ">times", "from", "what", "outcome", "what came of it")
COLOURS = {"built": "green", "relayed": "green", "nothing": "yellow", "refused": "red"}

Json = Mapping[str, Any]


@click.command()
@click.option("--limit", type=click.IntRange(1, 1000), help="At most so many.  [default: 100]")
@click.option("--after", help="Go on from this cursor.")
@speaks
def hooks(client: Client, *, limit: int | None, after: str | None) -> None:
    """List incoming webhooks, newest first, and what came of each; also those that were refused."""
    page = client.good(client.get("/hooks", {"limit": limit, "after": after})).json()
    if client.raw:
        return
    at = now()
    rows = [_row(hook, at) for hook in page["hooks"]]
    click.echo(table(HOOKS, rows) if rows else "nothing came in; is SIDECAR_LISTEN set?", err=not rows)
    if page["next"]:
        click.echo(f"more: --after {clean(page['next'])}", err=True)


def _row(hook: Json, at: int) -> list[object]:
    target = "/".join([part for part in (hook["project"], hook["package"]) if part])
    what = " ".join([part for part in (hook["forge"], hook["kind"], target) if part])
    outcome = Cell(f"{hook['outcome']} {hook['status']}", COLOURS.get(hook["outcome"]))
    return [hook["id"], ago(hook["last"], at), hook["times"], hook["address"], what, outcome, excerpt(_said(hook))]


def _said(hook: Json) -> str:
    """The builds and the reasons, in a line."""
    answer = hook["answer"] or {}
    builds = [f"{one['package']} #{one['build']}" for one in answer.get("builds", ())]
    skipped = [f"{one['package']}: {one['reason']}" for one in answer.get("skipped", ())]
    event = [f"event {answer['id']}"] if "id" in answer else []
    signature = "" if hook["signature"].startswith("signed") else hook["signature"]
    return "; ".join([part for part in (*builds, *event, hook["reason"], *skipped, signature) if part])
