# shellcheck shell=sh
# Docker's and NVIDIA's package sources as their documentation has them: list files with keyrings of other names.
keyrings=/usr/share/keyrings
mkdir -p $keyrings
for name in docker-archive-keyring nvidia-container-toolkit-keyring; do
    /usr/lib/apt/apt-helper -q download-file "$WEB/nvidia/gpgkey" $keyrings/$name.asc
    chmod 644 $keyrings/$name.asc
done
put /etc/apt/sources.list.d/docker.list <<END
deb [arch=amd64 signed-by=$keyrings/docker-archive-keyring.asc] $WEB/docker/linux/$DISTRIBUTION $CODENAME stable
END
put /etc/apt/sources.list.d/nvidia-container-toolkit.list <<END
deb [signed-by=$keyrings/nvidia-container-toolkit-keyring.asc] $WEB/nvidia/stable/deb/\$(ARCH) /
END
