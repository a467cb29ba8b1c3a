"""The Kubernetes stage: a node, the cluster, the dev box; and what comes after the first day."""
