# shellcheck shell=dash
# The commit $3 of the repository $2 checked out in the folder $1, unchanged, with an inventory `pai`.
set -eu
mkdir -p "$1"
cd "$1"
git init -q
# A server may refuse single commits; then everything is fetched.
git fetch -q --depth 1 -- "$2" "$3" 2>/dev/null || git fetch -q --tags -- "$2" '+refs/heads/*:refs/copy/*'
git checkout -q --force --detach "$3"
[ "$(git rev-parse HEAD)" = "$3" ]
# The sample's variables are kubespray's defaults.
mkdir -p inventory/pai
if [ -d inventory/sample ]; then cp -r inventory/sample/. inventory/pai/; fi
