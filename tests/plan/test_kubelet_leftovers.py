"""Another kubelet's files are put aside before ours are written, and the kubelet is told by the folder's age."""

from tasks import kubernetes
from tests.plan.conftest import planned
from tests.sections import sections

WORKER, DROP_INS = "@fake/openpai-001", "/etc/systemd/system/kubelet.service.d"


def test_what_an_earlier_kubelet_left_is_kept_aside(folder):
    left = f"/etc/default/kubelet\n{DROP_INS}/10-kubeadm.conf\n/lib/systemd/system/kubelet.service.d/20-x.conf"
    with planned(folder, kubernetes.install, {"openpai-001": {"kubelet-leftovers.sh": sections(found=left)}}) as plan:
        names = plan.operations(WORKER)
        steps = ["Another kubelet's files speak no more", "The kubelet's flags", "The kubelet's unit"]
        assert [name.split(" | ")[-1] for name in names if name.split(" | ")[-1] in steps] == steps
        texts = [text for text in plan.texts() if "10-kubeadm" in text or "20-x" in text or "default/kubelet.o" in text]
        assert texts == [
            "mv --backup=numbered -- /etc/default/kubelet /etc/default/kubelet.openpai.disabled",
            f"mv --backup=numbered -- {DROP_INS}/10-kubeadm.conf {DROP_INS}/10-kubeadm.conf.openpai.disabled",
            f"mkdir -p {DROP_INS} && ln -s /dev/null {DROP_INS}/20-x.conf",
        ]
        assert "Another kubelet's files speak no more" not in " ".join(plan.operations("@fake/openpai-002"))
        assert [text for text in plan.commands(WORKER) if "kubelet.service" in text and f" {DROP_INS}\n" in f"{text}\n"]
