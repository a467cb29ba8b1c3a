"""OpenPAI: its files, its services, the first job."""

from cluster.explanations.model import Explanation

OPENPAI = {
    "not-measured": Explanation(
        seen="... was not measured; ... is not among the nodes; no worker is among the nodes",
        why="What jobs can have is reckoned from what each node has to give, and nothing is known of this one.",
        remedy="Bring the node up (kubectl get nodes), or take it out of worker.csv; with render --resources: add it "
        "to that file; from v1.5.0 on a layout.yaml of your own says it too.",
    ),
    "worker-without-gpu": Explanation(
        seen="... has no GPU to schedule: OpenPAI ... takes no such worker",
        why="OpenPAI before v1.5.0 makes one pool of all workers, of GPUs alone.",
        remedy="Repair the node's GPU or device plugin, or remove it from worker.csv.",
    ),
    "no-room-for-jobs": Explanation(
        seen="... has nothing left for jobs; SKU ...: less than one core is free",
        why="What runs on the node for Kubernetes and OpenPAI takes all that it has.",
        remedy="Take what else runs there away, or give the machine more processors and memory.",
    ),
}
