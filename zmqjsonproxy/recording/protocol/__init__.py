"""Bytes and decisions of recordings: lines of a file, answers to requests, times in both."""
