"""The signature of a loop: HMAC-SHA256 with a secret that manager and workers share."""

from __future__ import annotations

import hmac

SIGNATURE_BYTES = 32


def signature_of(secret: bytes, *parts: bytes | memoryview) -> bytes:
    """Sign parts as if they were one, which need not be copied for it."""
    signature = hmac.new(secret, digestmod="sha256")
    for part in parts:
        signature.update(part)
    return signature.digest()


def is_signed(signed: bytes, secret: bytes) -> bool:
    """Whether the bytes begin with the signature of the others."""
    expected = signature_of(secret, memoryview(signed)[SIGNATURE_BYTES:])
    return hmac.compare_digest(signed[:SIGNATURE_BYTES], expected)
