# shellcheck shell=dash
# The copy of kubespray in the folder $1, whether the unit $2 runs, and the versions of the other arguments: Pythons with
# their venv module, by name or path.
folder=$1 unit=$2
shift 2
versions() {
    for python; do
        printf '%s %s\n' "$python" "$("$python" -c 'import sys, venv; print(*sys.version_info[:2])')"
    done
}
cd "$folder/kubespray" 2>/dev/null || cd /
section requirements cat requirements.txt
section pythons versions "$@"
section installed cat "$folder/kubespray-venv/installed"
section converged cat "$folder/kubespray.converged"
section collected ls "$folder/kube/config"
section running systemctl is-active "$unit"
