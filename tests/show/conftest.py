"""The fixtures of tests that look at an Explorer."""

from explorers import built, explorer, project  # noqa: F401
