"""Names of the packages that are distributed."""

PACKAGES = (
    "groundwork",
    "commandline",
    "arrayconfig",
    "zmqjsonproxy",
    "portmanager",
    "dealer",
    "player",
    "spectrometer",
    "histogrammer",
    "gateways",
    "dashboard",
)
