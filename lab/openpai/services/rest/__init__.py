"""rest-server's stand-in: OpenPAI's REST API, over the Kubernetes API, the database and the write merger."""
