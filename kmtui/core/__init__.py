"""Everything that acts: accounts, requests, challenges, the inventory's meaning. No terminal here."""
