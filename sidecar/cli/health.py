"""`sidecar health` for click. Law: the work is the probe's; this is its help and its usage errors."""

import click

from sidecar.cli import probe


@click.command()
@click.option("--live", is_flag=True, help="Ask whether it is alive, not whether it takes events.")
@click.option("--socket", "path", default="", metavar="PATH", help="The sidecar's socket.")
@click.option("--json", "raw", is_flag=True, help="Print the socket's answer as it is.")
@click.pass_context
def health(ctx: click.Context, path: str, *, live: bool, raw: bool) -> None:
    """Exit 0 if the sidecar takes events, else 1 with the reasons; quick, for probes."""
    ctx.exit(probe.health(path, "/healthz" if live else "/readyz", raw=raw))
