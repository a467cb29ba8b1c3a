"""GPUs as a container sees them. pyinfra's docker operations keep containers; this one is to end at once."""

from pyinfra import host
from pyinfra.api import operation

from cluster import Config
from tasks.gpu.facts.gpus import NvidiaBus
from tasks.reach import Commands, script


@operation(is_idempotent=False)
def sees_gpus(config: Config) -> Commands:
    """Fail the host where a container does not see every GPU, by the default runtime where that is NVIDIA's."""
    runtime = [] if config.worker_default_docker_runtime == "nvidia" else ["--runtime=nvidia"]
    wanted = len(host.get_fact(NvidiaBus))
    yield script("gpu/in-container.sh", config.cuda_image, wanted, *runtime)
