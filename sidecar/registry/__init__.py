"""What is kept beside the outbox, in the data directory. Law: what changes something returns once it is on disk."""

from sidecar.registry.secretsfile import FileRegistry

__all__ = ["FileRegistry"]
