# shellcheck shell=sh
# What another kubelet left, as kubeadm's packages have it in /etc and in /lib, and its owner's own limits.
etc=/etc/systemd/system/kubelet.service.d lib=/lib/systemd/system/kubelet.service.d
for drop_in in $etc/10-kubeadm.conf $lib/20-foreign.conf; do
    put "$drop_in" <<-END
	[Service]
	Environment="ARGS=--foreign"
	ExecStart=
	ExecStart=/usr/bin/sleep 7777
	END
done
printf '[Service]\nLimitNOFILE=1000000\n' | put $etc/90-limits.conf
echo KUBELET_EXTRA_ARGS=--theirs | put /etc/default/kubelet
