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
    "openpai-off": Explanation(
        seen="config.yaml says openpai: false",
        why="The command is for OpenPAI, which this config leaves out.",
        remedy="Set openpai: true.",
    ),
    "openpai-upgrade": Explanation(
        seen="... runs, the config asks for ...",
        why="A deploy never changes the version of an OpenPAI that runs.",
        remedy="pyinfra INVENTORY tasks.openpai.upgrade, or set docker_image_tag and branch_name back.",
    ),
    "cluster-id": Explanation(
        seen="the cluster calls itself ..., not ...",
        why="paictl asks for the cluster's name before each change, and this cluster has another.",
        remedy="Set openpai_cluster_id to the name in the line.",
    ),
    "paictl-failed": Explanation(
        seen="... failed (exit status ...); paictl failed ... times; could not be started; the cluster has another ...",
        why="OpenPAI's own tool ended with an error; the end of its log is below the line.",
        remedy="Read the log; most often an image cannot be had or the API server was busy. Then run again.",
    ),
    "paictl-late": Explanation(
        seen="... did not end within its time",
        why="paictl waited longer than openpai_service_timeout.",
        remedy="Its log, named in the line, says for what; raise the key where images are still being pulled.",
    ),
    "service-late": Explanation(
        seen="...: ... after ... s; raise openpai_service_timeout if images are still being pulled",
        why="The service's pods did not all run and stay up within openpai_service_timeout.",
        remedy="kubectl get pods on the dev box; raise the key, or mend what keeps the pods, then run again.",
    ),
    "pod-cannot-start": Explanation(
        seen="...: pod ... cannot start: ImagePullBackOff, CrashLoopBackOff ...",
        why="Kubernetes gave up on the pod; its reason and last words are in and below the line.",
        remedy="An image: the keys for registries and mirrors, docs/openpai.md. A crash: the lines below.",
    ),
    "service-remains": Explanation(
        seen="...: ... is still there after paictl service ...",
        why="paictl said that it was done, and Kubernetes still has a part of the service.",
        remedy="Run again; a pod that hangs in Terminating needs its node back.",
    ),
    "kubectl-failed": Explanation(
        seen="what kubectl says, on the dev box",
        why="The API server refused or did not answer.",
        remedy="Try it by hand on the dev box with its kubeconfig; run again once it answers.",
    ),
    "confirm-uninstall": Explanation(
        seen="this takes OpenPAI off the cluster ...",
        why="Its users and jobs go, and with --data delete_data=yes their data.",
        remedy="--data confirm=NAME, the cluster folder's name, if that is meant.",
    ),
    "admin-password": Explanation(
        seen="neither the password of secrets.yaml nor the published one logs in; the password was not changed",
        why="The password was changed in the portal, or OpenPAI's REST server did not take the new one.",
        remedy="Write the present one into secrets.yaml of the cluster folder as admin_password, then run again.",
    ),
    "gpu-type-job": Explanation(
        seen="no job is known that shows a GPU of gpu_type ...",
        why="The first job is NVIDIA's or AMD's own program.",
        remedy="Submit a job of your own in the portal.",
    ),
    "first-job-image": Explanation(
        seen="... does not run; ... has no ..., which OpenPAI's runtime calls",
        why="The job would fail long after it was submitted.",
        remedy="Set first_job_image to an image that workers can pull, with bash, coreutils, findutils and awk.",
    ),
    "first-job-late": Explanation(
        seen="... is WAITING after ... s and was stopped",
        why="No node had a GPU free, or its image took longer than first_job_timeout.",
        remedy="The command in the line shows its pods; kubectl describe node shows what the nodes offer.",
    ),
    "first-job-failed": Explanation(
        seen="... FAILED: ...",
        why="The job ran and ended with an error; the line has OpenPAI's word for it, its log is above.",
        remedy="Read the log; the portal has all of it.",
    ),
    "first-job-no-gpu": Explanation(
        seen="... succeeded, but its log shows no GPU",
        why="The container had none: Docker's default runtime on that worker, or the driver.",
        remedy="Run the deploy and the verification; docker info on the worker shows the default runtime.",
    ),
    "openpai-rest": Explanation(
        seen="login: ...; what OpenPAI's REST server answered",
        why="The REST server does not answer, or refuses what every OpenPAI takes.",
        remedy="pyinfra INVENTORY tasks.openpai.status; the pod's log: kubectl logs on the dev box.",
    ),
    "password-open": Explanation(
        seen="OpenPAI takes a wrong password",
        why="Whoever reaches the portal is its administrator.",
        remedy="Keep the cluster closed, replace its rest-server (tasks.openpai.stop and start), run the job again.",
    ),
}
