"""What changes the driver of GPUs and the kernels that it is for. pyinfra has no operations for it."""
