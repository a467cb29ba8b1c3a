# shellcheck shell=sh
# A compose project that runs, with a file of its own; docker.io comes before it.
set -eu
put /srv/site/docker-compose.yml <<END
version: "3"
services:
  site:
    image: $REGISTRY/library/busybox:latest
    command: sleep 100000
    restart: unless-stopped
END
cd /srv/site
docker-compose up -d
