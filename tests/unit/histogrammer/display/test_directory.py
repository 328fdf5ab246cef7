"""Directory of copies: entries come and go with those who keep them."""

from __future__ import annotations

from histogrammer.display.protocol.directory import MirrorDirectory, MirrorEntry


def test_all_copies_of_an_owner_go_with_it_and_those_of_others_stay() -> None:
    directory, one, other = MirrorDirectory(), object(), object()
    entries = [MirrorEntry("192.0.2.17", key) for key in ("abcd", "efgh", "ijkl")]
    assert directory.add(entries[0], one)
    assert directory.add(entries[1], other)
    assert directory.add(entries[2], one)
    assert directory.entries == tuple(entries)
    directory.remove_all(one)
    assert directory.entries == (entries[1],)
    directory.remove_all(one)
    assert directory.entries == (entries[1],)


def test_a_copy_is_told_of_once_and_again_when_it_has_gone() -> None:
    directory, one, other = MirrorDirectory(), object(), object()
    assert directory.add(MirrorEntry("h", "abcd"), one)
    assert not directory.add(MirrorEntry("h", "abcd"), other)
    assert not directory.add(MirrorEntry("h", "abcd"), one)
    assert directory.add(MirrorEntry("i", "abcd"), other)
    directory.remove_all(one)
    assert directory.add(MirrorEntry("h", "abcd"), other)
