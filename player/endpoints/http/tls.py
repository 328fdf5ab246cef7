"""TLS of an HTTP server, by certificate files, which are read again when they change."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from zmqjsonproxy.errors import RefusedError

__all__ = ["Certificate"]

log = logging.getLogger(__name__)

_BY_ALL = 0o007


class Certificate:
    """A certificate and its key.

    Args:
        certificate: File, PEM, of the certificate and those that signed it.
        key: File, PEM, of its key; None: it is in the same one.

    Attributes:
        context: For connections; new ones have the newest certificate.

    Raises:
        RefusedError: They cannot be used; says which, and what to do.
    """

    def __init__(self, certificate: Path, key: Path | None) -> None:
        self._certificate, self._key = certificate, key
        self._seen = self._state()
        self.context = self._made()

    def _made(self) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        made.set_alpn_protocols(["http/1.1"])
        self._load(made)
        return made

    def _load(self, into: ssl.SSLContext) -> None:
        key = self._key or self._certificate
        try:
            if key.stat().st_mode & _BY_ALL:
                raise RefusedError(f"{key} holds a secret that every user reads: chmod o= {key}")
            into.load_cert_chain(self._certificate, self._key, password=_no_password)
        except FileNotFoundError as error:
            missing = error.filename or next(
                (path for path in (self._certificate, key) if not path.exists()), key
            )
            raise RefusedError(f"{missing} is not there: it is for TLS of this endpoint") from error
        except ssl.SSLError as error:
            raise RefusedError(
                f"{self._certificate} and {key} are no certificate and its key, PEM: "
                f"{error.reason or error}"
            ) from error
        except OSError as error:
            raise RefusedError(f"{key} cannot be read: {error.strerror}") from error

    def _state(self) -> tuple[tuple[int, int, int], ...]:
        found = []
        for path in (self._certificate, self._key):
            try:
                state = path.stat() if path else None
            except OSError:
                state = None
            found.append((state.st_ino, state.st_size, state.st_mtime_ns) if state else (0, 0, 0))
        return tuple(found)

    def look(self) -> bool:
        """Read the files again if they have changed; True: new connections have what they hold now.

        What cannot be used is logged, and the certificate stays.
        """
        state = self._state()
        if state == self._seen:
            return False
        self._seen = state
        try:
            self._made()  # a context keeps half of a pair that does not match
            self._load(self.context)
        except RefusedError as error:
            log.error("the old certificate stays: %s", error)
            return False
        log.info("the certificate %s was read again", self._certificate)
        return True


def _no_password() -> str:
    """Refuse: OpenSSL would ask the terminal for the password of an encrypted key."""
    raise RefusedError("the key has a password: write one without, openssl rsa -in KEY -out NEW")
