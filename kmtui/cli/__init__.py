"""The commands: parse, call core, print text or JSON. Core is imported when a command runs."""
