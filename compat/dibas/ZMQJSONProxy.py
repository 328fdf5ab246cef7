"""The JSON proxy under the name and with the classes that DIBAS has."""

from zmqjsonproxy import ZMQJSONProxyClient, ZMQJSONProxyException, ZMQJSONProxyServer

__all__ = ["ZMQJSONProxyClient", "ZMQJSONProxyException", "ZMQJSONProxyServer"]
