"""The class `PortManager`; scripts say `PortManager.PortManager(host)`."""

from nscldaq.PortManager import PortManager

__all__ = ["PortManager"]
