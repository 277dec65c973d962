"""The senders whose vocabulary we speak. Law: a dialect is one module and one line of this table."""

from collections.abc import Mapping

from sidecar.dialects import drone, launchpad, pagure
from sidecar.ports import Dialect

DIALECTS: Mapping[str, Dialect] = {
    "drone": drone,
    "launchpad": launchpad,
    "pagure": pagure,
}
