"""Lines of the output of a program: bytes cut anywhere in, texts of bounded length out."""

from __future__ import annotations

__all__ = ["MAX_LINE_BYTES", "LineReader"]

MAX_LINE_BYTES = 4000
"""Of one line; what is longer becomes several. A diagnostic of the protocol has at most 4096."""
_LONGEST_CHARACTER = 4


class LineReader:
    """Reader of one stream. Bytes that are no UTF-8 are replaced, control characters too.

    Args:
        most: Bytes of a line.
    """

    def __init__(self, most: int = MAX_LINE_BYTES) -> None:
        self._most = max(most, _LONGEST_CHARACTER)
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """Take bytes; the lines that they complete."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        lines = [text for line in whole for text in self._pieces(line)]
        # a carriage return at the end is part of the end of the line, if that comes
        while len(self._rest) > self._most + self._rest.endswith(b"\r"):
            piece, self._rest = self._cut(self._rest)
            lines.append(_text(piece))
        return lines

    def end(self) -> list[str]:
        """Return the line that has no end."""
        rest, self._rest = self._rest, b""
        return self._pieces(rest) if rest else []

    def _pieces(self, line: bytes) -> list[str]:
        pieces: list[str] = []
        line = line.removesuffix(b"\r")
        while len(line) > self._most:
            piece, line = self._cut(line)
            pieces.append(_text(piece))
        return [*pieces, _text(line)]

    def _cut(self, line: bytes) -> tuple[bytes, bytes]:
        """Return the longest piece that does not end inside a character, and the rest."""
        end = self._most
        for back in range(1, _LONGEST_CHARACTER):
            lead = line[end - back]
            if lead & 0xC0 != 0x80:  # the first byte of a character
                size = 4 if lead >= 0xF0 else 3 if lead >= 0xE0 else 2 if lead >= 0xC0 else 1
                return (
                    (line[: end - back], line[end - back :])
                    if size > back
                    else (
                        line[:end],
                        line[end:],
                    )
                )
        return line[:end], line[end:]


def _text(line: bytes) -> str:
    text = line.decode("utf-8", "replace")
    return "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in text)
