"""DNS providers behind one protocol, and the questions put to name servers."""
