"""A core for the screens: an empty inventory, and one that stands in the sandbox."""

from tests.core.conftest import bench, core

__all__ = ["bench", "core"]
