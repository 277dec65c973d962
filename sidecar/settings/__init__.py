"""The settings: what a user can set, read from the environment and `.env`.

Law: nobody else reads the environment. A variable is one row of a table, and everything about it comes of that row.
"""

from sidecar.settings.again import Change, Configuration
from sidecar.settings.load import load
from sidecar.settings.pages import example, reference
from sidecar.settings.record import Proxies, Settings, describe
from sidecar.settings.values import split_address

__all__ = [
    "Change",
    "Configuration",
    "Proxies",
    "Settings",
    "describe",
    "example",
    "load",
    "reference",
    "split_address",
]
