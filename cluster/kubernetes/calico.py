"""What is changed in Calico's manifest. Pure: no I/O."""

from cluster.config import Config

# The node's address as the kubelet says it, which is the CSV file's; `autodetect` is the first interface's, whatever
# network that is on, and kubernetes-internal-ip, which means the same as here, came with Calico v3.22.
NODE_ADDRESS = {'value: "autodetect"': "valueFrom: {fieldRef: {fieldPath: status.hostIP}}"}
# As Calico's documentation has it (config-options, "Switching from IP-in-IP to VXLAN"). What one of the two variables
# says becomes the other's.
BACKEND, POOL = 'calico_backend: "bird"', "name: CALICO_IPV4POOL_IPIP"
VXLAN = {
    BACKEND: 'calico_backend: "vxlan"',
    POOL: "name: CALICO_IPV4POOL_VXLAN",
    "name: CALICO_IPV4POOL_VXLAN": POOL,
    "- -bird-live": "",
    "- -bird-ready": "",
}


def calico_edits(config: Config) -> dict[str, str]:
    """Texts of Calico's manifest by what comes in their place, the first that a line has: images, address, VXLAN."""
    repositories = {"docker.io": config.docker_image_repo, "quay.io": config.quay_image_repo}
    images = {f"image: {old}/": f"image: {new.rstrip('/')}/" for old, new in repositories.items() if new}
    return images | NODE_ADDRESS | (VXLAN if config.calico_encapsulation == "vxlan" else {})


def calico_needs(config: Config) -> list[str]:
    """Those of the texts without which a manifest is not one that can be edited so."""
    return [BACKEND, POOL] if config.calico_encapsulation == "vxlan" else []
