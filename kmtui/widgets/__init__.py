"""Pieces of screens. They know rows, words and keys; nothing of the core or the database."""
