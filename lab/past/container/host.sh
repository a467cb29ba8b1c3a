# shellcheck shell=sh
# A container with a restart policy; Docker comes with another profile, before it.
docker run -d --restart always --name lasting "$REGISTRY/library/busybox:latest" sleep 100000
