"""Names of what is published of remotes."""

from __future__ import annotations

import pytest

from player.remotenames import Item, local_names, read_item


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("wind", Item("wind")),
        ("status.*", Item("status.*")),
        ("wind=status.WIND", Item("status.WIND", "wind")),
    ],
)
def test_an_item_is_a_name_a_pattern_or_renamed(text: str, item: Item) -> None:
    assert read_item(text) == item


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "write a name"),
        ("=wind", "write a name"),
        ("wind=", "write a name"),
        ("x" * 300, "write a name"),
        ("wind=status.*", "neither is a pattern"),
        ("w*=wind", "neither is a pattern"),
        ("wind@weather", "is not followed; follow the one it is from"),
    ],
)
def test_what_is_no_item_is_refused_with_what_to_write(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_item(text)


def test_a_property_has_each_name_that_means_it_once() -> None:
    items = [Item("status.*"), Item("*"), Item("status.WIND", "wind")]
    assert local_names(items, "status.WIND", "weather") == ["status.WIND@weather", "wind@weather"]
    assert local_names(items[:1], "level", "weather") == []


def test_what_was_published_of_a_remote_is_followed_by_nobody() -> None:
    assert local_names([Item("*")], "wind@weather", "other") == []
