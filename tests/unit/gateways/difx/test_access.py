from __future__ import annotations

import pytest

from gateways.difx.access import Access, Role


@pytest.mark.parametrize(
    ("address", "role"),
    [
        ("127.0.0.1", Role.OPERATOR), ("::ffff:127.0.0.1", Role.OPERATOR), ("10.1.2.3", Role.OBSERVER),
        ("10.9.0.1", Role.OPERATOR), ("11.0.0.1", None), ("::1", None), ("fe80::1%lo", None),
    ],
)  # fmt: skip
def test_a_client_has_the_role_of_its_address(address: str, role: Role | None) -> None:
    access = Access(["127.0.0.1/32", "10.0.0.0/8"], ["127.0.0.0/8", "10.9.0.0/16", "11.0.0.0/8"])
    assert access.role(address) is role
