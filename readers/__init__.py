"""Foreign readers: programs that this project did not write, given its files.

Files with known signals are made by the classes that `spectrometer-daq` runs (`scans`, of voltages
of `voltages`), each reader answers in a process of its own (`children`, in the environments of
`environments`), and `matrix` compares the answers with what was put in. `python -m readers` runs it
all; a test runs one file of each kind.
"""
