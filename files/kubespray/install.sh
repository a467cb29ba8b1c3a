# shellcheck shell=dash
# What $1/kubespray requires, in $1/kubespray-venv, by the Python $2 and within pip's constraints $3; $4 notes that it is
# complete.
set -eu
venv=$1/kubespray-venv
rm -rf "$venv"
"$2" -m venv "$venv"
printf %s "$3" >"$venv/limits.txt"
"$venv/bin/pip" install -q --disable-pip-version-check -r "$1/kubespray/requirements.txt" -c "$venv/limits.txt"
"$venv/bin/ansible-playbook" --version >/dev/null
printf %s "$4" >"$venv/installed"
