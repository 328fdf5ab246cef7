"""The REST interface of SpecTcl and Rustogramer."""
