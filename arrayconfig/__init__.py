"""The configuration file of an array, as Dealers and Players read it: which files, how they are
merged, `${VAR}`, hosts; and the line format of logs. Standard library only."""
