"""Alarms: rules, the life of an alarm from its raising to its end, where it is kept, and the object
that serves it."""
