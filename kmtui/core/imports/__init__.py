"""Certificates, keys and accounts of others, read from where they lie: one file per kind of place.

All of it is hostile input: read within limits, parsed before anything is stored, never run.
"""
