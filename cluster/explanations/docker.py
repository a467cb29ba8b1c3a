"""Docker on hosts. What preflight names already (docker-config, docker-change) is there."""

from cluster.explanations.model import Explanation

DOCKER = {
    "docker-restart": Explanation(
        seen="Docker must be restarted to take its configuration, but ... run and live-restore is off",
        why="The option takes a restart, which ends the containers.",
        remedy="Stop them, or allow it: --data allow_disruption=yes. With docker_live_restore: true later ones survive "
        "most restarts. Nodes of the cluster: tasks.rolling.change.",
    ),
    "docker-flags": Explanation(
        seen="docker.service sets ... on dockerd's command line",
        why="dockerd does not start with an option both as a flag and in daemon.json.",
        remedy="`systemctl cat docker` shows the drop-in with the flag: take the flag out of it, then run again.",
    ),
    "docker-removals": Explanation(
        seen="apt would remove ... with ..., on which they depend",
        why="Packages of yours need the old Docker, and are not removed unasked.",
        remedy="Remove them by hand if nothing needs them, or use another host.",
    ),
    "docker-silent": Explanation(
        seen="Docker does not answer",
        why="dockerd does not run, or hangs.",
        remedy="systemctl status docker; journalctl -u docker. Then run again.",
    ),
    "docker-api": Explanation(
        seen="Docker serves API ... to ..., which the kubelet of ... does not speak",
        why="The kubelet that OpenPAI 1.x needs speaks Docker's API 1.40 or 1.41: that of Docker 20.10 to 28.",
        remedy='Set docker_version: "28", or leave the key out on new hosts.',
    ),
    "docker-cgroup-driver": Explanation(
        seen="daemon.json sets native.cgroupdriver=..., the kubelet needs ...",
        why="Docker and the kubelet must see to cgroups in the same way, or pods do not start.",
        remedy="Take native.cgroupdriver out of exec-opts in /etc/docker/daemon.json, then run again.",
    ),
    "docker-login": Explanation(
        seen=".../config.json is not valid: ...",
        why="The registry's login is added to what is in the file, and a file that is no JSON is never overwritten.",
        remedy="Mend it (python3 -m json.tool FILE) or move it away, then run again.",
    ),
}
