"""Screens: each file is one screen of the terminal UI."""
