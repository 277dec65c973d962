"""One POST; every network failure becomes a value.

Law: the network never raises into the dispatcher, and no detail of a failure holds a secret, a query or user-info.
"""

from sidecar.transport.failures import REASONS
from sidecar.transport.http import HttpTransport
from sidecar.transport.proxies import choose_proxy

__all__ = ["REASONS", "HttpTransport", "choose_proxy"]
