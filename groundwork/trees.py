"""Folders, removed with all that is in them, however deep they are."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass

__all__ = ["remove_tree"]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_OPEN = 64
"""Folders that are open at a time; what is deeper is moved up before it is removed."""


@dataclass(slots=True)
class _Open:
    """A folder that is being removed.

    Attributes:
        name: In the one above.
        descriptor: Of it.
        inside: Names of the folders that are still in it.
    """

    name: str
    descriptor: int
    inside: list[str]


def remove_tree(name: str, folder: int) -> None:
    """Remove a folder and all that is in it.

    No link is followed, also none that is put there meanwhile. A deep folder takes no more
    descriptors, and no more of the stack, than a flat one.

    Args:
        name: Of it.
        folder: Descriptor of the folder that it is in.

    Raises:
        OSError: It is no folder, or something in it cannot be removed; the rest stays.
    """
    way: list[_Open] = []
    try:
        way.append(_open(name, folder))
        while way:
            last = way[-1]
            if not last.inside:
                os.rmdir(last.name, dir_fd=way[-2].descriptor if len(way) > 1 else folder)
                os.close(way.pop().descriptor)
            elif len(way) < _MAX_OPEN:
                way.append(_open(last.inside.pop(), last.descriptor))
            else:
                moved, first = f".{secrets.token_hex(8)}", way[0]
                deep = last.inside.pop()
                os.rename(deep, moved, src_dir_fd=last.descriptor, dst_dir_fd=first.descriptor)
                first.inside.append(moved)
    finally:
        for each in way:
            os.close(each.descriptor)


def _open(name: str, above: int) -> _Open:
    """Open a folder, and remove all from it that is none."""
    descriptor = os.open(name, _FOLDER, dir_fd=above)
    try:
        inside: list[str] = []
        with os.scandir(descriptor) as listed:
            for each in list(
                listed
            ):  # some disks leave names out when others are removed meanwhile
                if each.is_dir(follow_symlinks=False):
                    inside.append(each.name)
                else:
                    os.unlink(each.name, dir_fd=descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return _Open(name, descriptor, inside)
