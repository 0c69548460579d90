"""The inventory: one SQLite file; queries go in, frozen rows of `kmtui.model` come out."""
