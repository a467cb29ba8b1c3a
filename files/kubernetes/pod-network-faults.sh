# shellcheck shell=dash disable=SC2086
# What is wrong with the pod network of the node $2, a line each. $1 asks the API server, the conflist $3 tells the node's
# range of addresses, and $4 is where files/kubernetes/pod-network says what it could not do.
range=$($1 get node -o 'jsonpath={.spec.podCIDR}' -- "$2" 2>/dev/null)
grep -qs "\"$range\"" "$3" || echo "$3 lacks this node's range of addresses, $range"
cat "$4" 2>/dev/null || :
