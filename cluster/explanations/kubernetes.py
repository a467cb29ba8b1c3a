"""Kubernetes: bringing it up, keeping it, changing nodes at work."""

from cluster.explanations.model import Explanation

KUBERNETES = {
    "other-installer": Explanation(
        seen="kubespray's own playbooks change its clusters; config.yaml says installer: none",
        why="What made a cluster knows how to change it; this command knows kubeadm's alone.",
        remedy="Use that tool: docs/kubernetes.md.",
    ),
    "kubernetes-upgrade": Explanation(
        seen="the cluster runs ..., the config asks for ...",
        why="A deploy never changes the version of a cluster that runs.",
        remedy="Set kubernetes_version to the one that runs, or upgrade: pyinfra INVENTORY tasks.kubernetes.upgrade.",
    ),
    "kubernetes-downgrade": Explanation(
        seen="the cluster runs ..., newer than ...",
        why="Kubernetes knows no way back: etcd holds what the newer version wrote.",
        remedy="Set kubernetes_version to the one that runs.",
    ),
    "upgrade-step": Explanation(
        seen="... is more than one minor version after ...",
        why="Kubernetes upgrades by one minor version at a time.",
        remedy="Set kubernetes_version to the next minor version, upgrade, and go on from there.",
    ),
    "upgrade-kubelets": Explanation(
        seen="kubelets that ... does not serve; kubelets newer than ...",
        why="An API server serves kubelets of its own and of the two minor versions before.",
        remedy="Bring the nodes that are named to the cluster's version first; with newer ones, choose their version.",
    ),
    "removed-apis": Explanation(
        seen="APIs in use that ... no longer has",
        why="Programs that use them fail after the upgrade.",
        remedy="Have their users updated; to go on without them: --data removed_apis=ignore.",
    ),
    "api-server-silent": Explanation(
        seen="the API server ... does not answer this host; does not say which version it is; not changed: ...",
        why="The master is down or overloaded, or the network between does not carry its port.",
        remedy="On the master: systemctl status kubelet; docker ps. A deploy brings a control plane up again.",
    ),
    "master-failed": Explanation(
        seen="the master failed in this run; a worker joins once it is up",
        why="A worker joins by the master's API server.",
        remedy="Mend the master by its own line, then run again.",
    ),
    "join-failed": Explanation(
        seen="cannot join: ...",
        why="The master could not be asked for a token, or the worker not be given its configuration.",
        remedy="Do what the line's own words say, then run again; the token is taken back by itself.",
    ),
    "worker-refused": Explanation(
        seen="the API server refuses this host's certificate (expired, or the host was removed from the cluster)",
        why="A certificate that was not renewed in time, or a node that somebody deleted, cannot come back by itself.",
        remedy="kubeadm reset -f on that host, if nothing on it is worth keeping; then run again.",
    ),
    "other-cluster": Explanation(
        seen="this host belongs to another cluster, ...",
        why="Its kubelet has another API server, or one with another certificate.",
        remedy="Take it out there, or kubeadm reset -f if that cluster is gone. If kube_api_name was changed, set it "
        "back: docs/day2.md.",
    ),
    "certificates-lost": Explanation(
        seen="etcd holds a cluster's data, but its certificates are gone",
        why="Without the CA no node, key or kubeconfig of the cluster is valid any more.",
        remedy="Restore them from a backup (docs/day2.md, Backups); to initialise anew would lose the cluster.",
    ),
    "etcd-lost": Explanation(
        seen="this control plane was complete, but etcd's data is gone; but etcd holds nothing of its cluster",
        why="A new, empty etcd would be a new cluster under the old one's nodes.",
        remedy="Restore a snapshot: docs/kubernetes.md, Restore.",
    ),
    "master-lost": Explanation(
        seen="Kubernetes is not on this master, but ... are nodes of the cluster that it had",
        why="A new control plane would be another cluster, which knows neither these workers nor their jobs.",
        remedy="tasks.kubernetes.restore_master brings the old one back (docs/day2.md, A new master); for "
        "a new cluster: kubeadm reset -f on its nodes first.",
    ),
    "master-in-use": Explanation(
        seen="Kubernetes is on this master already",
        why="tasks.kubernetes.restore_master is for a bare machine: it would put an older state over what is there.",
        remedy="Go on with deploy.py; for an earlier state of etcd: tasks.kubernetes.restore.",
    ),
    "confirm-new-master": Explanation(
        seen="this makes ... the master of ... as of ...",
        why="What came after the backup is lost to Kubernetes; with the old master still at work there would be two.",
        remedy="--data confirm=NAME, the cluster folder's name, if that is meant.",
    ),
    "backups-not-set-up": Explanation(
        seen="backups are not set up here",
        why="The deploy installs the programs and timers that make them.",
        remedy="pyinfra INVENTORY deploy.py; where age is missing, see `backups`.",
    ),
    "backup-key": Explanation(
        seen="... is not there, which opens the backups; ... has no line `# public key: age1...`; no key for backups",
        why="backup.key in the cluster folder opens the backups, which are encrypted for it; it is never replaced.",
        remedy="Put back its copy, or name it: --data backup_key=FILE. Its first line: `# public key: ` and what "
        "`age-keygen -y FILE` says.",
    ),
    "backup-not-opened": Explanation(
        seen="the backup was not put back: ...",
        why="The key is another one, the file is not whole, or there is no room.",
        remedy="Look at what the line says; another backup: --data backup=FILE, another key: --data backup_key=FILE.",
    ),
    "snapshot-choice": Explanation(
        seen="choose a snapshot with --data snapshot=FILE: ...; choose a backup with --data backup=FILE: ...",
        why="Which state the cluster goes back to is for you to say.",
        remedy="Name one of those in the line.",
    ),
    "confirm-restore": Explanation(
        seen="this takes the cluster ... back to ...",
        why="What came after the snapshot is lost to Kubernetes.",
        remedy="--data confirm=NAME, the cluster folder's name, if that is meant.",
    ),
    "confirm-reset": Explanation(
        seen="this ends the cluster ... and everything that runs in it",
        why="There is no way back.",
        remedy="--data confirm=NAME, the cluster folder's name, if that is meant.",
    ),
    "confirm-departure": Explanation(
        seen="of ... workers ... are in worker.csv no more",
        why="A worker.csv that was cut off says the same as one that was edited.",
        remedy="--data confirm=N, their number, if all of them shall leave; else put the lines back.",
    ),
    "node-not-ready": Explanation(
        seen="... is not Ready: ...; is not Ready and stays out of service",
        why="The kubelet does not report, or reports what it lacks: the network, Docker, room.",
        remedy="On the node: journalctl -u kubelet; kubectl describe node NAME. Then run again.",
    ),
    "workloads-not-ready": Explanation(
        seen="... pods are ready",
        why="A workload of kube-system has not all its pods: an image that cannot be had, or a node that is not well.",
        remedy="kubectl -n kube-system describe POD shows the last events.",
    ),
    "pods-unreached": Explanation(
        seen="nothing reaches ... pods, with addresses of a range that their node had before",
        why="The node registered anew and got another range; pods that run on have addresses of the old one.",
        remedy="Delete them when their work is done, or now: --data allow_disruption=yes.",
    ),
    "pod-network": Explanation(
        seen="pod network: ...",
        why="The bridge or the routes to other nodes' pods are not there.",
        remedy="The line says what could not be set on the node; another program may own the routes. Then run again.",
    ),
    "calico-pool": Explanation(
        seen="calico_encapsulation is not what this cluster's pool of addresses is for",
        why="The pool was made with the other encapsulation, and no manifest changes it.",
        remedy="Set the key to what the cluster has, or change the pool by the command in the line while no job runs.",
    ),
    "gpus-not-advertised": Explanation(
        seen="... advertises ... of its ... GPUs",
        why="The device plugin does not run on the node, or the driver shows it fewer GPUs.",
        remedy="The command in the line shows the plugin's words; nvidia-smi on the node shows the GPUs.",
    ),
    "node-left-out": Explanation(
        seen="not changed: ...",
        why="The rolling change leaves a node alone that is cordoned by somebody, not Ready, or no member.",
        remedy="Mend what the line names, then run tasks.rolling.change again.",
    ),
    "node-taken": Explanation(
        seen="not changed: ... was cordoned or deleted by somebody else meanwhile",
        why="Somebody works on this node.",
        remedy="Ask them; kubectl uncordon NAME, then run again.",
    ),
    "node-not-drained": Explanation(
        seen="not changed, and back in service: ... did not end within ... s; did not leave within ... s",
        why="Jobs ran longer than drain_wait, or a PodDisruptionBudget kept pods longer than drain_timeout.",
        remedy="Run again later, raise drain_wait, or end the jobs: --data allow_disruption=yes.",
    ),
    "containers-no-pods": Explanation(
        seen="left alone: containers run that are no pods",
        why="Draining a node ends its pods; these containers belong to somebody who runs Docker by hand.",
        remedy="Stop them, or allow it: --data allow_disruption=yes.",
    ),
    "roll-halted": Explanation(
        seen="left alone: ... failed",
        why="The canary, or more than rolling_max_failures nodes, failed: the rest is kept from it.",
        remedy="Mend the nodes that are named, then run tasks.rolling.change again; it goes on where it stands.",
    ),
    "change-fruitless": Explanation(
        seen="after its change still: ...",
        why="The node was changed, and what was due is due still.",
        remedy="Look at the line's words on that node; it stays out of service until a run succeeds.",
    ),
    "kubespray-python": Explanation(
        seen="kubespray's requirements need Python ... with its venv module on the dev box",
        why="kubespray release-2.11's Ansible runs on old Pythons alone.",
        remedy="Install one beside the system's own and name it in kubespray_python, or set installer: kubeadm.",
    ),
}
