"""Bytes that nobody would send, for all readers of bytes.

`python -m tools.fuzz --minutes M` lets atheris look for bytes that break a promise of a reader;
`make fuzz MINUTES=` installs atheris first. Each `protocol/` folder has a target.
"""
