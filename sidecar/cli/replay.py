"""`replay`: send again what is finished, by a job; list the jobs, cancel one. Law: one change by one request."""

import json
from typing import Any

import click

from sidecar.cli.client import Client, Failure
from sidecar.cli.moments import ago, now, span, until
from sidecar.cli.options import length, speaks
from sidecar.cli.text import clean, state, style, table

COLUMNS = (">id", "state", "endpoint", "since", "states", ">resent", ">progress", "created")


@click.command()
@click.option("--endpoint", metavar="NAME", help="To this endpoint.  [default: to each]")
@click.option("--since", help="Accepted since: a time, so long ago such as 2h, or 'last healthy'.")
@click.option("--until", "before", help="Accepted before: a time, or so long ago.")
@click.option(
    "--state", "states", type=click.Choice(["dead", "delivered"]), multiple=True, help="In this state.  [default: dead]"
)
@click.option("--wait", type=length, default="0", help="Wait so long for the job to end.")
@click.option("--list", "listing", is_flag=True, help="List the jobs, newest first; start none.")
@click.option("--cancel", type=click.IntRange(1), metavar="ID", help="Cancel a job; what is owed again stays owed.")
@speaks
def replay(client: Client, *, listing: bool, cancel: int | None, wait: int, before: str | None, **given: Any) -> None:
    """Send dead deliveries again, by endpoint and time, or delivered ones: oldest first, a few at once."""
    asked = {**given, "until": before, "states": list(given.pop("states"))}
    wanted = {name: value for name, value in asked.items() if value}
    if ((listing or cancel) and (wanted or wait)) or (listing and cancel):
        raise click.UsageError("--list and --cancel stand alone")
    if listing:
        _list(client)
    elif cancel:
        _say(client, client.good(client.call("DELETE", f"/replays/{cancel}")).json())
    else:
        _start(client, wanted, wait)


def _list(client: Client) -> None:
    found = client.good(client.get("/replays")).json()["replays"]
    if client.raw:
        return
    if not found:
        click.echo("no replays", err=True)
        return
    at = now()
    rows = [
        [
            one["id"],
            state(one["state"]),
            one["endpoint"] or "each",
            one["since"] or "ever",
            " ".join(one["states"]),
            one["resent"],
            f"{one['progress']:.0%}",
            ago(one["created"], at),
        ]
        for one in found
    ]
    click.echo(table(COLUMNS, rows))


def _start(client: Client, wanted: dict[str, Any], wait: int) -> None:
    job = client.good(client.post("/replays", json.dumps(wanted).encode())).json()
    if not wait:
        _say(client, job)
        return
    quiet = Client(client.path)
    for _ in until(wait):
        job = quiet.good(quiet.get(f"/replays/{job['id']}")).json()
        if job["state"] != "running":
            _say(client, job)
            return
    raise Failure(f"replay {job['id']} still runs after {span(wait)}: {_progress(job)}; see `sidecar replay --list`")


def _say(client: Client, job: dict[str, Any]) -> None:
    if client.raw:
        return
    click.echo(f"replay {job['id']}: {style(*state(job['state']))}, {_progress(job)}")
    for one in job["endpoints"]:
        if job["state"] == "running" and one["endpoint_state"] != "active":
            name = clean(one["endpoint"])
            click.echo(f"  {name} is {one['endpoint_state']}: no more than 100 are owed to it at once until it is well")


def _progress(job: dict[str, Any]) -> str:
    return f"{job['resent']} sent again, {job['progress']:.0%} of the log looked through"
