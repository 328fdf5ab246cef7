"""A small FX correlator: recordings or simulated receivers in, visibilities out; the job of a gateway
for DiFX clients where mpifxcorr is not to be had."""
