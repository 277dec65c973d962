"""What a verifier asks of public keys; what they are is for `ed25519`. Law: nothing is imported here that only those
need who have such keys."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable


@runtime_checkable
class PublicKeys(Protocol):
    """Public keys by their ids."""

    def signed(self, id: str, signature: bytes, text: bytes) -> bool | None:
        """Whether the key `id` signed `text`; None where there is no such key."""
        ...

    def one_signed(self, signatures: Sequence[bytes], text: bytes) -> bool:
        """Whether one of the keys made one of the signatures of `text`."""
        ...
