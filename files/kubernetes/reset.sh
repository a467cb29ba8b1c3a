# shellcheck shell=dash
# This host out of Kubernetes, with all that kubeadm, the kubelet and the pod network (its routes have the protocol 73)
# leave behind; Docker, its images and the GPU driver stay.
for unit in openpai-pod-network.service openpai-backup.timer; do
    systemctl --no-reload disable -q --now $unit 2>/dev/null
done
set -eu
unset http_proxy https_proxy ftp_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY NO_PROXY
kubeadm reset -f >/dev/null
systemctl --no-reload disable -q --now kubelet.service
rm -rf /etc/cni/net.d/10-openpai.conflist /etc/cni/net.d/*calico* /var/lib/cni \
    /var/lib/openpai-deploy/pod-network /run/openpai-deploy/pod-network
for range in $(ip -o route show proto 73 | cut -d' ' -f1); do ip route delete "$range"; done
if ip link show cni0 >/dev/null 2>&1; then ip link delete cni0; fi
iptables-save | grep -vE 'KUBE-|CNI-|cali-|openpai-pods' | iptables-restore
