"""Challenges: how control of a name is shown to a CA (RFC 8555 section 8)."""
