"""Bodies of requests: read whole, within bounds."""

from __future__ import annotations

import asyncio

from fastapi import HTTPException, Request

__all__ = ["BODY_WITHIN_S", "read_body"]

BODY_WITHIN_S = 10.0


async def read_body(request: Request, most: int) -> bytes:
    """Return the body of a request.

    Args:
        request: Asked.
        most: Bytes that it may have.

    Raises:
        HTTPException: It is too long, or does not come.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise HTTPException(413, f"the body of this request has at most {most} bytes")
    except TimeoutError as error:
        raise HTTPException(408, f"no whole body came within {BODY_WITHIN_S:g} s") from error
    return bytes(body)
