"""Calico's manifest as the config wants it: by sed, on what v3.20.3's says in the places that count."""

import subprocess

import pytest
import yaml

from cluster import Config
from cluster.kubernetes import calico_edits, calico_needs
from tasks.kubernetes.operations.pod_network import sed_words
from tests.unit.test_kubernetes_config import folder, lines_of

MANIFEST = """\
kind: ConfigMap
data:
  # Configure the backend to use.
  calico_backend: "bird"
---
kind: DaemonSet
spec:
  template:
    spec:
      containers:
        - name: calico-node
          image: docker.io/calico/node:v3.20.3
          env:
            - name: CALICO_NETWORKING_BACKEND
              valueFrom:
                configMapKeyRef:
                  name: calico-config
                  key: calico_backend
            # Auto-detect the BGP IP address.
            - name: IP
              value: "autodetect"
            # Enable IPIP
            - name: CALICO_IPV4POOL_IPIP
              value: "Always"
            # Enable or Disable VXLAN on the default IP pool.
            - name: CALICO_IPV4POOL_VXLAN
              value: "Never"
          livenessProbe:
            exec:
              command:
                - /bin/calico-node
                - -felix-live
                - -bird-live
          readinessProbe:
            exec:
              command:
                - /bin/calico-node
                - -felix-ready
                - -bird-ready
"""


def edited(tmp_path, **keys):
    """The ConfigMap's data, calico-node's container, and its variables by name."""
    source = tmp_path / "original.yaml"
    source.write_text(MANIFEST)
    config = Config.model_validate({"user": "paiadmin", **keys})
    assert all(text in MANIFEST for text in calico_needs(config))
    words = sed_words(str(source), calico_edits(config))
    text = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    settings, daemons = yaml.safe_load_all(text)
    (container,) = daemons["spec"]["template"]["spec"]["containers"]
    variables = {one["name"]: one.get("value", one.get("valueFrom")) for one in container["env"]}
    assert len(variables) == len(container["env"])
    return settings["data"], container, variables


def test_the_nodes_address_is_the_kubelets_and_not_the_first_interfaces(tmp_path):
    data, container, variables = edited(tmp_path)
    assert variables["IP"] == {"fieldRef": {"fieldPath": "status.hostIP"}}
    # calico/node v3.20.3 ends at a method that it does not know: kubernetes-internal-ip came with v3.22.
    assert "IP_AUTODETECTION_METHOD" not in variables
    assert (variables["CALICO_IPV4POOL_IPIP"], variables["CALICO_IPV4POOL_VXLAN"]) == ("Always", "Never")
    assert data == {"calico_backend": "bird"} and "-bird-live" in container["livenessProbe"]["exec"]["command"]
    assert container["image"] == "docker.io/calico/node:v3.20.3"


def test_vxlan_takes_the_pool_the_backend_and_the_probes(tmp_path):
    data, container, variables = edited(
        tmp_path, calico_encapsulation="vxlan", docker_image_repo="reg.example.com/hub/"
    )
    assert data == {"calico_backend": "vxlan"}
    assert (variables["CALICO_IPV4POOL_IPIP"], variables["CALICO_IPV4POOL_VXLAN"]) == ("Never", "Always")
    assert container["livenessProbe"]["exec"]["command"] == ["/bin/calico-node", "-felix-live"]
    assert container["readinessProbe"]["exec"]["command"] == ["/bin/calico-node", "-felix-ready"]
    assert container["image"] == "reg.example.com/hub/calico/node:v3.20.3"


@pytest.mark.parametrize("keys", ["installer: kubespray\n", "openpai_kube_network_plugin: host-gw\n"])
def test_vxlan_where_nobody_can_be_told_so_is_said(tmp_path, keys):
    found = lines_of(folder(tmp_path, f"{keys}calico_encapsulation: vxlan\n"))
    assert any("calico_encapsulation vxlan with installer" in line for line in found), found
