# shellcheck shell=sh
# The older version of Docker's own packages that the lab offers; the source is that of vendor-sources, before it.
put /etc/docker/daemon.json <<END
{"insecure-registries": ["$REGISTRY"]}
END
apt-get -q -o Dir::Etc::SourceList=/etc/apt/sources.list.d/docker.list -o Dir::Etc::SourceParts=/dev/null \
    -o APT::Get::List-Cleanup=false update
older=$(apt-cache madison docker-ce | awk 'END { print $3 }')
install "docker-ce=$older" "docker-ce-cli=$older" containerd.io
