"""All operations. Law: none twice, in the order of the routes."""

from sidecar.openapi.copr import COPR
from sidecar.openapi.inbound import INBOUND
from sidecar.openapi.operation import Operation
from sidecar.openapi.replays import REPLAYS
from sidecar.openapi.socket import SOCKET

OPERATIONS: tuple[Operation, ...] = (*SOCKET, *REPLAYS, *COPR, *INBOUND)
