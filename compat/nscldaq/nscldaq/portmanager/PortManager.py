"""The class `PortManager`; scripts say `PortManager.PortManager(host)`."""

from portmanager import PortManager

__all__ = ["PortManager"]
