"""`python -m lazytensor`: demo, conformance, explain, info."""
