"""The embedded practice CA and name server of `kmtui demo`: loopback only, trusted by nobody."""
