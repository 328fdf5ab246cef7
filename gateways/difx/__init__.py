"""The gateway for clients of the DiFX correlator's guiServer: its jobs, run and watched."""
