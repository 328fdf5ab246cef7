"""`from nscldaq.PortManager import PortManager`, as the manual of NSCLDAQ has it."""

from portmanager import PortManager

__all__ = ["PortManager"]
