"""One SQLite file, read as it is at one moment, whoever writes to it meanwhile."""
