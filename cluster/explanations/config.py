"""config.yaml: its form, its keys, and what they mean for each other."""

from cluster.explanations.model import Explanation

CONFIG = {
    "yaml-syntax": Explanation(
        seen="not YAML: ...; nested too deeply; a value that YAML cannot read",
        why="A sign that means something to YAML stands in a value, or the indentation is uneven.",
        remedy="Put the value in single quotes; indent by spaces, never by tabs.",
    ),
    "yaml-map": Explanation(
        seen="not a map of keys",
        why="config.yaml is `key: value` a line, as the guide's config.",
        remedy="Write it so; `python -m cluster init DIR --example` shows one.",
    ),
    "key-twice": Explanation(
        seen="the key ... stands twice",
        why="YAML would silently take the last one.",
        remedy="Keep one of the two lines.",
    ),
    "key-unknown": Explanation(
        seen="unknown key ...; did you mean ...?",
        why="A misspelt key would silently do nothing.",
        remedy="Take the name that is offered, or one of docs/config.md; remove what is there for no reason.",
    ),
    "key-missing": Explanation(
        seen="...: missing",
        why="This key has no default that could be right.",
        remedy="Add the line.",
    ),
    "key-empty": Explanation(
        seen="warning: ...: no value, so the default counts",
        why="An empty value and a missing line are the same to YAML.",
        remedy="Give it a value, or remove the line.",
    ),
    "key-value": Explanation(
        seen="...: expected ..., found ...",
        why="The value is of another type, out of range, or not one of the choices.",
        remedy="Write what is expected; docs/config.md has the key with its type and an example.",
    ),
    "key-ignored": Explanation(
        seen="warning: ... does nothing ...",
        why="Another key, or the version of OpenPAI, leaves nobody who reads it.",
        remedy="Remove the line, or change the key that the line names.",
    ),
    "placeholder": Explanation(
        seen="...: the example's placeholder is still there",
        why="The value is one that an example left for you to fill in.",
        remedy="Write your own value, or remove the key.",
    ),
    "value-cut": Explanation(
        seen="warning: ...: the value ends before ` #`, where YAML begins a comment",
        why="A password with ` #` in it would be used without its end.",
        remedy="Put the value in single quotes, or the comment on a line of its own.",
    ),
    "dead-place": Explanation(
        seen="warning: ... names ...: frozen since 2023, gone, a name for examples ...",
        why="The guide, or what was copied around it, names places that are dead, frozen or never were.",
        remedy="Remove the line, so that today's place counts, or name a mirror of your own.",
    ),
    "no-login": Explanation(
        seen="warning: no password, no key and no agent: nothing to log in to the hosts with",
        why="The hosts let nobody in without a password or a key.",
        remedy="Set password, ssh_key_file_path or the environment's OPENPAI_PASSWORD, or ask_password: true.",
    ),
    "login-twice": Explanation(
        seen="ask_password and password contradict each other",
        why="One says that the password is there, the other that it is to be asked for.",
        remedy="Keep one of them.",
    ),
    "password-terminal": Explanation(
        seen="ask_password is set, and there is no terminal to ask on",
        why="A run by a timer, a pipe or CI has nobody to ask.",
        remedy="Set the environment's OPENPAI_PASSWORD there, or use a key.",
    ),
    "ssh-key-file": Explanation(
        seen="ssh_key_file_path ...: no such file; is relative",
        why="The key to log in with is not where the config says; a relative path would depend on where you stand.",
        remedy="Correct the path, from / or ~/ on, or make the key: ssh-keygen -t ed25519.",
    ),
    "registry-login": Explanation(
        seen="docker_registry_username without docker_registry_password, or the other way round",
        why="A registry takes both or neither.",
        remedy="Give both or none.",
    ),
    "openpai-version": Explanation(
        seen="branch_name ... and docker_image_tag ... are different versions, or name none; ... is not one that this "
        "software knows",
        why="The files for OpenPAI's installer and its images must be of one version, and each version reads others.",
        remedy="Name one version in both, as branch_name: pai-1.8.y and docker_image_tag: v1.8.1.",
    ),
    "openpai-commit": Explanation(
        seen="no commit of OpenPAI's source is known for ...",
        why="The source is taken at one commit, and this software knows those of released branches.",
        remedy="Set openpai_commit to the 40 hexadecimal digits of the one that you want.",
    ),
    "openpai-kubernetes": Explanation(
        seen="Kubernetes ... cannot run OpenPAI ...: its paictl sends export=true",
        why="OpenPAI's paictl, in every version, asks Kubernetes for something that 1.21 removed.",
        remedy="kubernetes_version: v1.20.15, or openpai: false.",
    ),
    "openpai-services": Explanation(
        seen="openpai_services: ... has no service ...; ... is off; names no service",
        why="The list names what this version does not have, or what another key turns off.",
        remedy="Take names from the line's list, or `all` or `essential`.",
    ),
    "image-replacements": Explanation(
        seen="warning: openpai_image_replacements: no image of a fixed name begins with ...",
        why="Only images whose names are fixed in OpenPAI's source are replaced by this key.",
        remedy="Use the beginning of one that the line lists; the others follow docker_registry_domain.",
    ),
    "azure-network": Explanation(
        seen="Azure's network does not carry calico's pods",
        why="Azure drops packets from addresses that it has not given out.",
        remedy="installer: kubespray with openpai_kube_network_plugin: flannel or weave.",
    ),
    "kubernetes-version": Explanation(
        seen="kubernetes_version ...: not a version that OpenPAI 1.x and Docker both work with",
        why="OpenPAI 1.x's manifests need beta APIs that Kubernetes 1.22 removed, and its jobs run in Docker.",
        remedy="kubernetes_version: v1.20.15.",
    ),
    "binary-name": Explanation(
        seen="kubernetes_sha256: no binary is called ...",
        why="A sum for a file that nobody downloads checks nothing.",
        remedy="Use one of the names in the line.",
    ),
    "kubespray-commit": Explanation(
        seen="kubespray_commit ... is not a commit",
        why="Branches and tags move, and then two deploys are not the same.",
        remedy="Give the commit's 40 hexadecimal digits.",
    ),
    "mirrors-kubespray": Explanation(
        seen="warning: mirrors china does not reach what kubespray downloads",
        why="kubespray release-2.11 names registries that no mirror has all images of.",
        remedy="Set gcr_image_repo, kube_image_repo and the *_download_url keys, or use kubeadm.",
    ),
    "subnets-overlap": Explanation(
        seen="kube_pods_subnet ... and kube_service_addresses ... overlap",
        why="An address would be a pod's and a service's at once.",
        remedy="Choose networks apart from each other and from the hosts'.",
    ),
    "pod-network-size": Explanation(
        seen="kube_pods_subnet ... has room for ... nodes; kube_network_node_prefix ... is larger",
        why="Every node takes one part of kube_pods_subnet, of kube_network_node_prefix.",
        remedy="A larger kube_pods_subnet (a smaller number behind the /), or a larger kube_network_node_prefix; "
        "before the first deploy.",
    ),
    "network-plugin": Explanation(
        seen="openpai_kube_network_plugin ... is not one that ... installs; calico_encapsulation vxlan with ...",
        why="Each installer brings its own choice of pod networks.",
        remedy="Choose one that the line lists, or another installer.",
    ),
    "port-range": Explanation(
        seen="the ports ... to ... are no range",
        why="The first is not below the last.",
        remedy="Make host_daemon_port_start the smaller one.",
    ),
    "driver-runfile": Explanation(
        seen="nvidia_driver runfile without nvidia_driver_runfile; a URL without nvidia_driver_runfile_sha256",
        why="A runfile is installed as root: which one, and that it is the one meant, must be said.",
        remedy="Set nvidia_driver_runfile to its path or URL, and for a URL nvidia_driver_runfile_sha256.",
    ),
    "driver-keys": Explanation(
        seen="nvidia_driver_runfile or nvidia_driver_branch contradicts nvidia_driver ...",
        why="The keys ask for two ways to the driver at once.",
        remedy="Set nvidia_driver to the way that is meant, or remove the other key.",
    ),
    "gpu-type-runtime": Explanation(
        seen="warning: gpu_type ... with Docker's default runtime nvidia",
        why="NVIDIA's runtime is installed for NVIDIA's GPUs alone, and Docker starts nothing without its runtime.",
        remedy="Set worker_default_docker_runtime to the vendor's, or to runc.",
    ),
    "docker-cache": Explanation(
        seen="unknown backend ...; the azure backend without ...",
        why="OpenPAI's image cache keeps its layers in Azure's storage or in a folder.",
        remedy="docker_cache_storage_backend: filesystem; or azure with docker_cache_azure_account_name and "
        "docker_cache_azure_account_key.",
    ),
    "drift-dev-box": Explanation(
        seen="drift_schedule: dry runs are made where this folder is",
        why="The timer runs on the dev box and needs the cluster folder there.",
        remedy="Set dev_box: '@local', or use a timer of your own: docs/day2.md.",
    ),
    "kubelet-flags": Explanation(
        seen="warning: kubelet_custom_flags replaces OpenPAI's own flag",
        why="kubespray takes one list of flags, and yours stands in its place.",
        remedy="Add --image-pull-progress-deadline=10m to your flags to keep it.",
    ),
    "portal-plugins": Explanation(
        seen="warning: OpenPAI v1.0.0's web portal loads plug-ins from gerhut.github.io",
        why="That place is not OpenPAI's, and whoever has it can change your portal.",
        remedy="Install pai-1.0.y, which has none.",
    ),
}
