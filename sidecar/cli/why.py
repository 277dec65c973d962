"""`why`: where an event is, and why it is there, endpoint by endpoint. Law: reads and shows."""

from typing import Any

import click

from sidecar.cli.client import Client, segment
from sidecar.cli.moments import ago, now
from sidecar.cli.options import speaks
from sidecar.cli.text import Cell, clean, state, style, table

MARKS = {"delivered": ("✓", "green"), "dead": ("✗", "red"), None: ("✗", "bright_black")}
WAITING = ("→", "yellow")


@click.command()
@click.argument("id", metavar="EVENT-ID")
@speaks
def why(client: Client, id: str) -> None:
    """Say for every endpoint what became of event EVENT-ID, or why it is not owed to it."""
    told = client.good(client.get(f"/events/{segment(id)}/why")).json()
    if client.raw:
        return
    click.echo(f"event {style(clean(told['event']), bold=True)}  {clean(told['name'])}  {clean(told['subject'])}")
    click.echo(f"  accepted {told['accepted']}  ({ago(told['accepted'], now())})")
    if told["endpoints"]:
        click.echo("\n" + table(("",) * 4, [_row(one) for one in told["endpoints"]]))
    else:
        click.echo("no endpoints: set DRONE_WEBHOOK_ENDPOINT, then `sidecar check`", err=True)


def _row(one: dict[str, Any]) -> list[object]:
    known = one["state"] if one["delivery"] else None
    return [Cell(*MARKS.get(known, WAITING)), one["endpoint"], state(known) if known else "", one["rule"]]
