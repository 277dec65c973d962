"""`serve`. Law: a configuration in, exit status out; the app does the rest."""

import sys

import click

from sidecar.app import serve as run
from sidecar.cli.check import configured


@click.command()
def serve() -> None:
    """Run the sidecar in the foreground, as the environment and `.env` configure it."""
    configuration = configured()
    sys.exit(run(configuration.settings, configuration))
