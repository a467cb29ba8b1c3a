# shellcheck shell=dash
# What nvidia-smi says of each GPU's properties $1, after its exit status: 127 where it is missing, 124 where it does not
# end within $2 seconds. A GPU that hangs leaves it in uninterruptible sleep, where timeout(1) would wait for ever.
command -v nvidia-smi >/dev/null || { echo 127; exit; }
said=$(mktemp) || exit
nvidia-smi --query-gpu="$1" --format=csv,noheader,nounits >"$said" 2>&1 </dev/null &
pid=$!
left=$(($2 * 50)) nap=1 # hundredths of a second
while kill -0 $pid 2>/dev/null && [ $left -gt 0 ]; do
    sleep 0.0$nap
    left=$((left - nap))
    nap=$((nap < 8 ? nap * 2 : 9))
done
if kill -9 $pid 2>/dev/null; then
    echo 124
else
    wait $pid
    echo $?
fi
cat "$said"
rm -f "$said"
