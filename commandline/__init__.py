"""Commands of all programs: how they are declared, parsed and carried out, and what they print. Below all
other packages; knows nothing of Banks."""
