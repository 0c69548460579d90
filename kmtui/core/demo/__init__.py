"""`kmtui demo`: a practice inventory with a past, over the sandbox in this process."""
