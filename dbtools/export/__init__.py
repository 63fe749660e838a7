"""CSV, Parquet and JSON from the database, proved by re-reading."""

from dbtools.export.layout import LAYOUTS
from dbtools.export.manifest import ExportedFile, ExportManifest
from dbtools.export.verify import Freshness, is_current
from dbtools.export.write import FORMATS, write
from dbtools.files.csvfile import escape as guard
from dbtools.files.csvfile import unescape as unguard

__all__ = [
    "FORMATS",
    "LAYOUTS",
    "ExportManifest",
    "ExportedFile",
    "Freshness",
    "guard",
    "is_current",
    "unguard",
    "write",
]
