"""Commands: parse, call core, print text or JSON."""
