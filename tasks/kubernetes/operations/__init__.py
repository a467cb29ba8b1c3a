"""What changes Kubernetes. pyinfra has no operations for it."""
