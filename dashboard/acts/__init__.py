"""Acts of people who run the array from the dashboard: calls by their keys, outcomes, control."""
