"""`ping`, `pause`, `resume`, `resend`. Law: one change by one request, and what came of it is said."""

from typing import Any

import click

from sidecar.cli.client import Client, Failure, segment
from sidecar.cli.look import outcome
from sidecar.cli.moments import ago, now, span, took, until
from sidecar.cli.options import length, speaks
from sidecar.cli.text import clean, state, style

ATTEMPT = "20s"
"""Longer than one attempt may take by default (`SIDECAR_TIMEOUT`, 15 s)."""


@click.command()
@click.argument("name")
@click.option("--wait", type=length, default=ATTEMPT, show_default=True, help="For the first attempt; 0: do not wait.")
@speaks
def ping(client: Client, name: str, wait: int) -> None:
    """Send a ping to endpoint NAME and say how it went: exit 0 if it was delivered."""
    told = client.good(client.post(f"/endpoints/{segment(name)}/ping")).json()
    if not told["deliveries"]:
        raise Failure(f"{clean(name)}: nothing was sent: it has no configuration; see `sidecar endpoints`")
    number = told["deliveries"][0]["id"]
    if wait:
        _report(client, name, _tried(client, number, wait), wait)
    elif not client.raw:
        click.echo(f"ping is delivery {number}; see `sidecar show {number}`")


def _tried(client: Client, number: int, wait: int) -> dict[str, Any] | None:
    """The delivery once it has been tried, None where it was not in time."""
    for _ in until(wait):
        answer = client.get(f"/deliveries/{number}")
        delivery: dict[str, Any] = answer.json()
        if answer.status != 200 or delivery["attempts"] or delivery["state"] in ("delivered", "dead"):
            client.good(answer)
            return delivery
    return None


def _report(client: Client, name: str, delivery: dict[str, Any] | None, wait: int) -> None:
    """Says how the ping went. Raises `Failure` unless it was delivered."""
    if delivery is None:
        found = Client(client.path).get("/endpoints").json()["endpoints"]
        states = [endpoint["state"] for endpoint in found if endpoint["name"] == name]
        raise Failure(f"{clean(name)}: no attempt in {span(wait)}; the endpoint is {(states or ['unknown'])[0]}")
    attempt = delivery["attempts"][0] if delivery["attempts"] else {}
    said = f"{style(*outcome(attempt or delivery, whole=True))} in {took(attempt.get('duration_ms', 0))}"
    if delivery["state"] == "delivered":
        if not client.raw:
            click.echo(f"{clean(name)}: {style(*state('delivered'))}: {said}")
        return
    then = f"; next try {ago(delivery['next'], now())}" if delivery["next"] else ""
    raise Failure(f"{clean(name)}: failed: {said}{then}; see `sidecar show {delivery['id']}`")


@click.command()
@click.argument("name")
@speaks
def pause(client: Client, name: str) -> None:
    """Keep the events of endpoint NAME back until `sidecar resume NAME`; none is lost."""
    _switch(client, name, "pause")


@click.command()
@click.argument("name")
@speaks
def resume(client: Client, name: str) -> None:
    """Let the events of endpoint NAME go again."""
    _switch(client, name, "resume")


def _switch(client: Client, name: str, change: str) -> None:
    endpoint = client.good(client.post(f"/endpoints/{segment(name)}/{change}")).json()
    if not client.raw:
        waiting = endpoint["counts"]["pending"]
        click.echo(f"{clean(endpoint['name'])}: {style(*state(endpoint['state']))}, {waiting} pending")


@click.command()
@click.argument("id", type=click.IntRange(1))
@speaks
def resend(client: Client, id: int) -> None:
    """Owe delivery ID again, due at once, whatever its state."""
    delivery = client.good(client.post(f"/deliveries/{id}/resend")).json()
    if not client.raw:
        click.echo(f"delivery {delivery['id']} to {clean(delivery['endpoint'])}: {style(*state(delivery['state']))}")
