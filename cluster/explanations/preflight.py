"""What each requirement of preflight is for, and what to do where a host does not meet it.

docs/preflight.md says what is looked at, and the row what was found; here is why, and how people get out of it. What
finds the same elsewhere, as `python -m cluster check` or an operation, has the same identifier.
"""

from cluster.explanations.model import Explanation

# By the identifier in preflight's rows.
PREFLIGHT = {
    "sudo": Explanation(
        "Everything on a host is done as root, by the config's user.",
        "Add the user to the group sudo there, or correct user and password in config.yaml; by hand: sudo -v.",
    ),
    "release": Explanation(
        "Older releases' apt takes no armoured key for one source, and their systemd cannot wait for a unit.",
        "Install a newer release, or leave the host out of the CSV file.",
    ),
    "release-known": Explanation(
        "The deploy was tried on these releases alone; another one may name its packages otherwise.",
        "Go on if you know the release; look at the plan (--dry --diff) first.",
    ),
    "architecture": Explanation("OpenPAI publishes images for x86-64 alone.", "Leave the host out of the CSV file."),
    "systemd": Explanation(
        "Docker, the kubelet and the timers are systemd's services; a container or another init has none.",
        "Boot the machine with systemd, or name a real machine.",
    ),
    "memory": Explanation(
        "OpenPAI's services take most of a master's memory, and a worker's kubelet keeps some for itself.",
        "Add memory, or lower master_min_memory_mb or worker_min_memory_mb for a trial.",
    ),
    "processors": Explanation(
        "Kubernetes' control plane and OpenPAI's services together starve on fewer.",
        "Take another machine, or lower master_min_cpus or worker_min_cpus for a trial.",
    ),
    "disk-docker": Explanation(
        "Images of jobs are gigabytes each; a full disk evicts every pod of the node.",
        "Free space there, or set docker_data_root to a larger disk before the first deploy.",
    ),
    "disk-var": Explanation(
        "Packages, logs and the kubelet's volumes lie in /var.",
        "Free space (journalctl --vacuum-size, old kernels), or lower var_min_free_gb.",
    ),
    "hostname": Explanation(
        "The name is the Kubernetes node's, and what others know the machine by.",
        "Correct the CSV file, or set set_hostnames: true; a node that is in the cluster already keeps its name.",
    ),
    "hostname-resolves": Explanation(
        "sudo looks the name up at each command; where nothing answers, it waits for the name server's time limit.",
        "Add a line `127.0.1.1 NAME` to /etc/hosts there.",
    ),
    "address": Explanation(
        "Nodes tell each other this address; one that is translated on the way, or old, reaches nobody.",
        "Write the address that `ip addr` shows on the host into the CSV file.",
    ),
    "address-static": Explanation(
        "A lease may bring another address after a reboot, and the node is lost then.",
        "Make it fixed: in the host's network configuration, or as a reservation of the DHCP server.",
    ),
    "subnets": Explanation(
        "Packets to such hosts would go to pods or services instead.",
        "Set kube_pods_subnet and kube_service_addresses to networks that nobody uses, before the first deploy.",
    ),
    "dev-box": Explanation(
        "It drives reboots and upgrades of the others, and cannot do so from one of them.",
        "Name another machine in dev_box, or take it out of the CSV file.",
    ),
    "dev-box-user": Explanation(
        "Keys, the kubeconfig and OpenPAI's configuration go to this user's home on the dev box.",
        "Create the user there (adduser), or set user to one that every machine has.",
    ),
    "layout": Explanation(
        "OpenPAI promises jobs what layout.yaml says; a machine with less refuses them.",
        "Correct the machine's SKU in layout.yaml, or remove the file: it is measured then.",
    ),
    "ports": Explanation(
        "Kubernetes' own programs cannot start where another program listens.",
        "The row names the program: stop it or give it another port.",
    ),
    "swap": Explanation(
        "The kubelet refuses to run with swap on.",
        "The deploy turns it off with kubeadm; with another installer: swapoff -a, and take it out of /etc/fstab.",
    ),
    "cgroups": Explanation(
        "Each Kubernetes version knows certain cgroup hierarchies; under another its kubelet ends.",
        "Boot with systemd.unified_cgroup_hierarchy=0 or =1, as the row asks.",
    ),
    "cgroup-controllers": Explanation(
        "Without them pods have no limits, and kubeadm refuses the machine.",
        "Boot with the parameter that the row names, as cgroup_enable=memory.",
    ),
    "container-runtimes": Explanation(
        "Another Kubernetes or runtime on the machine takes the kubelet's ports, files or pods.",
        "Remove what the row names, if nobody needs it, or take another machine.",
    ),
    "docker": Explanation(
        "Pods and jobs run in it.",
        "The deploy installs it; on a host that it is told to leave alone, install docker-ce yourself.",
    ),
    "docker-change": Explanation(
        "Another version restarts Docker, which ends its containers, and an older one may not read the newer's data.",
        "Stop the containers; or keep the version by docker_version; or allow it: --data allow_disruption=yes. "
        "On nodes of the cluster: tasks.rolling.change.",
    ),
    "docker-config": Explanation(
        "The deploy merges its keys into daemon.json and never overwrites what it cannot read.",
        "Mend the JSON at the line that the row names: python3 -m json.tool /etc/docker/daemon.json.",
    ),
    "docker-runtime": Explanation(
        "HiveD hands out GPUs by the default runtime; under another a job sees none.",
        "The deploy sets it; of another vendor's GPUs set worker_default_docker_runtime.",
    ),
    "package-lock": Explanation(
        "dpkg takes one program at a time; the deploy waits package_lock_wait seconds.",
        "Let the upgrade or installation that the row names end.",
    ),
    "packages-finished": Explanation(
        "A package whose script failed, or an installation that was cut off, keeps apt from installing anything.",
        "The deploy has dpkg finish; where that fails: dpkg --configure -a there, and mend what it names.",
    ),
    "time-sync": Explanation(
        "Certificates and tokens are refused by clocks that are apart, and logs cannot be compared.",
        "The deploy installs a time daemon where ntp_hosts says so; name servers that are reached in ntp_servers.",
    ),
    "backups": Explanation(
        "What the master loses is lost without a backup elsewhere; it has every secret, so none leaves in the open.",
        "Put age and age-keygen into /usr/local/bin there (Debian has them since 11, Ubuntu since 22.04), then deploy; "
        "or save /etc/kubernetes/pki and etcd's snapshots by a way of your own: docs/day2.md, Backups.",
    ),
    "gpu": Explanation(
        "A worker is there for its GPUs.",
        "Look at `lspci`: a card without power or seat is not listed. Machines without GPUs: gpu_type: none.",
    ),
    "gpu-driver": Explanation(
        "No job sees a GPU that the driver does not show, and replacing a driver may take a reboot.",
        "Follow the row: install it by nvidia_driver, free the machine, or allow the reboot with allow_disruption.",
    ),
    "secure-boot": Explanation(
        "The kernel refuses a module that nobody signed with an enrolled key.",
        "Turn Secure Boot off in the firmware, or use signed modules (nvidia_driver: apt on Ubuntu).",
    ),
    "kernel-headers": Explanation(
        "The driver's module is built for exactly the running kernel.",
        "apt-get install linux-headers-$(uname -r); where apt has none, boot a kernel of the distribution's.",
    ),
    "next-kernel": Explanation(
        "The machine would come back from its next reboot without a driver.",
        "Let the deploy have DKMS build it, install the matching modules package, or remove that kernel.",
    ),
    "boot-space": Explanation(
        "Each initramfs is written anew; on a full /boot a machine does not come up.",
        "Remove old kernels: apt-get autoremove --purge.",
    ),
    "gpu-runtime": Explanation(
        "Docker gives containers their GPUs by nvidia-container-runtime.",
        "The deploy installs it; with installer or runtime of your own: nvidia-container-toolkit.",
    ),
    "gpu-toolkit": Explanation(
        "Versions before 1.17.8 let an image take over the host (CVE-2025-23266 and others).",
        "Run the deploy, or tasks.rolling.change on nodes; remove nvidia_toolkit_version if it asks for an old one.",
    ),
    "gpu-containers": Explanation(
        "systemd, when it reads its units anew, takes GPUs from containers that it does not know the devices of.",
        "Let the containers end before the deploy, or make them anew with a toolkit of 1.18 or newer.",
    ),
    "fabric-manager": Explanation(
        "GPUs behind NVSwitches start no CUDA program before the fabric manager of their driver's version runs.",
        "Use nvidia_driver: apt, by which the deploy installs it, or install nvidia-fabricmanager of the same version.",
    ),
    "gpu-memory": Explanation(
        "A card without spare rows can no longer hide bad memory.",
        "Take the worker out of worker.csv and have the card replaced.",
    ),
    "gpu-health": Explanation(
        "Jobs on such a GPU fail, slow down, or compute wrong results.",
        "Follow the row: reset or reboot for pending repairs, reseat a card with lost lanes, look at cooling.",
    ),
    "gpus-equal": Explanation(
        "OpenPAI 1.0 schedules every worker as the smallest of them.",
        "Install v1.5.0 or later, which tells kinds apart, or accept it.",
    ),
    "openpai-ports": Explanation(
        "OpenPAI's services listen on ports of the host itself.",
        "The row names the program: stop it or give it another port.",
    ),
    "openpai-requests": Explanation(
        "Kubernetes starts no pod for which a node has not what it requests.",
        'Set qos-switch: "false", choose openpai_services: essential, or take a larger master.',
    ),
    "openpai-storage": Explanation(
        "OpenPAI's database lies in a file of this size on the master.",
        "Free space, or set openpai_internal_storage_gb smaller before the first start.",
    ),
    "openpai-loop": Explanation(
        "That file is mounted by a loop device.",
        "modprobe loop on the master; in a container give it /dev/loop*.",
    ),
    "openpai-processors": Explanation(
        "HiveD divides a machine's processors among its GPUs, and a job without one is refused.",
        "Write a layout.yaml with fewer GPUs for that machine, or take one with more processors.",
    ),
    "peers": Explanation(
        "The dev box drives every host by SSH, and nodes talk to each other.",
        "The row names the way that is blocked: a firewall, a route, or a machine that is down.",
    ),
    "firewall": Explanation(
        "ufw drops packets of pods and of Kubernetes unless it is told otherwise; the deploy never changes it.",
        "ufw allow from each of the networks that the row lists.",
    ),
    "proxy": Explanation(
        "Packages and images come through it.",
        "Check http_proxy and https_proxy from that host: curl -x PROXY https://dl.k8s.io.",
    ),
    "docker-source": Explanation(
        "Docker's packages come from there.",
        "Set docker_apt_mirror to one that answers (mirrors: china, aliyun, or a mirror of yours), or a proxy.",
    ),
    "nvidia-source": Explanation(
        "The container toolkit comes from there.",
        "Set nvidia_toolkit_apt_mirror to one that answers (mirrors: china, or a mirror of yours), or a proxy.",
    ),
    "package-sources": Explanation(
        "A dead source of somebody else's does not stop the deploy, but the distribution's own does.",
        "Mend or disable the file and line that the row names.",
    ),
    "kubernetes-source": Explanation(
        "kubeadm, kubelet and kubectl come from there.",
        "Set kubernetes_mirror to one that has this version (mirrors: china, or a web server of yours), or a proxy.",
    ),
    "registries": Explanation(
        "Every node pulls images by itself.",
        "Name a mirror: openpai_docker_registry_mirrors, kube_image_repo and the like, or mirrors: china; or a proxy.",
    ),
    "images": Explanation(
        "A pod whose image cannot be had never starts.",
        "Check the keys that the row names, the login for a private registry, or push the image there.",
    ),
    "verification-images": Explanation(
        "The verification and the first job run these.",
        "Set docker_check_image, cuda_image or first_job_image to images that your hosts can pull.",
    ),
    "hostname-unique": Explanation(
        "Two nodes of one name are one node to Kubernetes.",
        "Rename one: set_hostnames: true gives each the CSV file's name.",
    ),
    "machine-id-unique": Explanation(
        "DHCP, systemd and Kubernetes tell machines apart by it; cloned disks share it.",
        "On all but one: rm /etc/machine-id /var/lib/dbus/machine-id; systemd-machine-id-setup; reboot.",
    ),
    "mac-unique": Explanation(
        "Switches send packets for one address to one port.",
        "Give cloned virtual machines new addresses in their hypervisor.",
    ),
    "address-unique": Explanation(
        "Whoever answers first gets the other's packets.",
        "Find the second machine (arping ADDRESS) and correct its network configuration.",
    ),
    "clock-offset": Explanation(
        "etcd, certificates and tokens do not bear clocks that are apart.",
        "The deploy's time daemon sees to it; where it does not help, look at the hardware clock and ntp_servers.",
    ),
}
