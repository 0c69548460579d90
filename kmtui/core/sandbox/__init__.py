"""The embedded practice CA and name server of `kmtui demo`: loopback only, trusted by nobody."""

from kmtui.core.sandbox.sandbox import Sandbox

__all__ = ["Sandbox"]
