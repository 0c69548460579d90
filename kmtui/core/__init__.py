"""Everything that acts: accounts, requests, challenges, the inventory. No terminal here."""
