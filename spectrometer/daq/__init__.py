"""Data taking: the child process as a Bank sees it, and the program itself (`spectrometer-daq`)."""
