# shellcheck shell=sh
put /etc/docker/daemon.json <<END
{"insecure-registries": ["$REGISTRY"]}
END
systemctl restart docker
