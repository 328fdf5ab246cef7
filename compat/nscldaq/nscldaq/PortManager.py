"""`from nscldaq.PortManager import PortManager`, as the manual of NSCLDAQ has it."""

import portmanager
from portmanager.errors import NotAListError
from portmanager.protocol.tcllist import split_list

__all__ = ["PortManager"]


class PortManager(portmanager.PortManager):
    """The class of `portmanager`. NSCLDAQ's quotes no names, so its callers have done that: `"{two
    words}"`."""

    def getPort(self, servicename: str) -> int:  # noqa: N802 - the name is NSCLDAQ's
        """Lend a port for a service, whose name may be quoted as an element of a Tcl list."""
        try:
            elements = split_list(servicename)
        except NotAListError:
            elements = []
        return super().getPort(elements[0] if len(elements) == 1 else servicename)
