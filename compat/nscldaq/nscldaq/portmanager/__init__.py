"""`from nscldaq.portmanager import PortManager`, as NSCLDAQ is installed: that is a module with the
class."""
