"""Law: the only file that asks for randomness."""

import os
import random
import secrets

__all__ = ["new_id", "new_secret", "random_unit"]

random_unit = random.random
"""A float in [0, 1), for jitter: not for secrets."""


_source = random.Random(os.urandom(32))  # noqa: S311 - an id must not repeat; it may be guessed


def new_id(now: int) -> str:
    """An event's id: 48 bits of time (ms), so that ids rise and indexes stay compact, and 80 bits of chance, in hex."""
    return f"{now:012x}{_source.getrandbits(80):020x}"


def new_secret() -> str:
    """160 bits in hex: nobody guesses it, and it stands in a URL as it is."""
    return secrets.token_hex(20)
