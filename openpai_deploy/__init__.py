"""The console script: the project's own verbs under one name, for an installation that is no checkout."""
