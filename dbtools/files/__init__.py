"""Files: find and read the databases and CSV files of a project, and tell which rows exist elsewhere."""
