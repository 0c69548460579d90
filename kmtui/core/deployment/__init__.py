"""Deployment: versions put where they belong, proved, and taken back when that goes wrong."""
