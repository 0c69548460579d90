"""kmtui: a terminal workbench for TLS certificates from ACME certificate authorities."""

__version__ = "0.1.0"
