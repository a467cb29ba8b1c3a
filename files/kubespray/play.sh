# shellcheck shell=dash
# cluster.yml of $1/kubespray for the inventory `pai`, then its kubeconfig as $1/kube/config; $2 notes what has finished.
folder=$1 note=$2
umask 077
exec >"$folder/kubespray.log" 2>&1
trap 'echo $? >"$folder/kubespray.status"' EXIT
set -e
cd "$folder/kubespray"
# The sample's variables are kubespray's defaults.
if [ -d inventory/sample ]; then cp -r inventory/sample/. inventory/pai/; fi
"$folder/kubespray-venv/bin/ansible-playbook" -i inventory/pai/hosts.yml cluster.yml --become -e @inventory/pai/openpai.yml
mkdir -p "$folder/kube"
install -m 600 inventory/pai/artifacts/admin.conf "$folder/kube/config.new"
mv -f "$folder/kube/config.new" "$folder/kube/config"
printf %s "$note" >"$folder/kubespray.converged"
