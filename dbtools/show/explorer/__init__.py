"""The Explorer: everything about a project in one widget; loaded when first used, as it brings ipywidgets with it."""

from dbtools.show.explorer.explorer import Explorer

__all__ = ["Explorer"]
