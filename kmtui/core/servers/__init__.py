"""End servers: places that serve http-01 answers and receive certificates."""
