"""The histogrammer: spectra and gates over event data, in the words and rules of SpecTcl and
Rustogramer."""
