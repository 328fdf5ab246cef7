"""Roles of people who change something."""

from __future__ import annotations

import pytest
from fastapi import HTTPException

from dashboard.changes import require_role
from player.endpoints.http.protocol.sessions import Person
from zmqjsonproxy.rights import Role


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("needs", list(Role))
def test_a_role_has_those_below_it(role: Role, needs: Role) -> None:
    person = Person(key="ann", role=role, token="t")
    if role >= needs:
        require_role(person, needs)
        return
    with pytest.raises(HTTPException, match=f"role {needs} is needed, and key 'ann' has {role}"):
        require_role(person, needs)


def test_a_session_that_was_idle_is_told_to_log_in_again() -> None:
    person = Person(key="ann", role=Role.OBSERVE, token="t", session="s", is_lowered=True)
    with pytest.raises(HTTPException, match="idle for long; log in again"):
        require_role(person, Role.OPERATE)
