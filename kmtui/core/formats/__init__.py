"""Certificates and keys in the file formats that other programs read: one file per format."""
