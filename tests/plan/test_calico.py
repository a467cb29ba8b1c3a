"""Calico on a cluster that has it: the pool of pods' addresses keeps the encapsulation that it was made for."""

import pytest

from tasks import kubernetes
from tests.plan.conftest import planned
from tests.sections import sections


@pytest.mark.parametrize(
    ("config", "pool", "fix"),
    [
        (
            "calico_encapsulation: vxlan\n",
            "vxlan Never",
            "kubectl patch ippools.crd.projectcalico.org default-ipv4-ippool",
        ),
        ("", "vxlan Always", "set calico_encapsulation: vxlan"),
        ("calico_encapsulation: vxlan\n", "vxlan Always", ""),
        ("calico_encapsulation: vxlan\n", "", ""),
        ("", "vxlan Never", ""),
    ],
)
def test_calicos_pool_of_a_cluster_keeps_its_encapsulation(folder, caplog, config, pool, fix):
    with (folder / "config.yaml").open("a") as file:
        file.write(config)
    with planned(folder, kubernetes.bring_up, {"openpai-master-01": {"ippools": sections(mode=pool)}}) as plan:
        list(plan.texts())
    assert fix in caplog.text
    assert ("not what this cluster's pool of addresses is for" in caplog.text) is bool(fix)
