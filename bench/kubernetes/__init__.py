"""How long Kubernetes takes."""
