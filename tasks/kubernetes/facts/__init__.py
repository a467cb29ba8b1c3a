"""Kubernetes as it is: on a node's disk, and in the API server's words."""
