"""Digests, without the libraries of OpenSSL that `hashlib` loads, which takes 3 ms.

What enters: bytes. What leaves: BLAKE2b's digest of them. It must not know what they are.
"""

try:
    from _blake2 import blake2b  # where hashlib has it from
except ImportError:
    from hashlib import blake2b

__all__ = ["SIZE", "blake2b", "digest"]

SIZE = 32


def digest(data: bytes) -> bytes:
    """SIZE bytes that no other data has."""
    return blake2b(data, digest_size=SIZE).digest()
