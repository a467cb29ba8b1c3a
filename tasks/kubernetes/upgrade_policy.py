"""Which upgrade of Kubernetes is possible, and what is due of it on a host. Pure: versions in, decisions out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cluster import Problem
from cluster.versions import numbers

# Minor versions that a kubelet may be behind its API server, while workers are upgraded one after the other.
_SKEW = 2


@dataclass(frozen=True)
class NodeVersions:
    """A host's programs: the kubelet's version, and on a master those of its control plane's pods; as v1.20.2."""

    kubelet: str = ""
    control_plane: frozenset[str] = frozenset()


def refusal(
    found: str, wanted: str, kubelets: Mapping[str, str], removed: Iterable[str], *, go_on: bool = False
) -> Problem | None:
    """Why a cluster of version `found` may not become `wanted`; None where it may, or is already.

    `kubelets` are the nodes' versions by name, `removed` the APIs in use that `wanted` no longer has; the operator
    may `go_on` without those.
    """
    before, after = numbers(found), numbers(wanted)
    if len(before) != 3:
        return Problem(
            "the API server does not say which version it is",
            "see what is wrong with it: deploy.py",
            cause="api-server-silent",
        )
    if after < before:
        fix = f"set kubernetes_version to {found}; Kubernetes knows no way back"
        return Problem(f"the cluster runs {found}, newer than {wanted}", fix, cause="kubernetes-downgrade")
    if after[:2] > (before[0], before[1] + 1):
        step = f"v{before[0]}.{before[1] + 1}.x"
        return Problem(
            f"{wanted} is more than one minor version after {found}", f"go by {step} first", cause="upgrade-step"
        )
    late = [name for name, version in kubelets.items() if after[1] - numbers(version)[1] > _SKEW]
    if late:
        listed = ", ".join(f"{name} ({kubelets[name]})" for name in late)
        return Problem(
            f"kubelets that {wanted} does not serve: {listed}",
            f"upgrade these to {found} first",
            cause="upgrade-kubelets",
        )
    newer = [name for name, version in kubelets.items() if numbers(version) > after]
    if newer:
        return Problem(
            f"kubelets newer than {wanted}: {', '.join(newer)}", "choose their version", cause="upgrade-kubelets"
        )
    in_use = sorted(removed)
    if in_use and not go_on:
        return Problem(
            f"APIs in use that {wanted} no longer has: {', '.join(in_use)}",
            "have their users updated; to go on without them: --data removed_apis=ignore",
            cause="removed-apis",
        )
    return None


def due(versions: NodeVersions, wanted: str) -> list[str]:
    """What is due on a host with these versions, in words."""
    found = []
    others = sorted(versions.control_plane - {wanted})
    if others:
        found.append(f"control plane {', '.join(others)} must become {wanted}")
    if versions.kubelet != wanted:
        found.append(f"kubelet {versions.kubelet or 'none'} must become {wanted}")
    return found


def removed_apis(metrics: str, wanted: str) -> set[str]:
    """The APIs that clients have asked for since the API server started, and that `wanted` no longer has.

    `metrics` is what it says of itself: apiserver_requested_deprecated_apis names each with the release that removes
    it (from 1.19 on).
    """
    found = set()
    for line in metrics.splitlines():
        name, brace, rest = line.partition("{")
        if name != "apiserver_requested_deprecated_apis" or not brace:
            continue
        labels = dict(part.split("=", 1) for part in rest.partition("}")[0].replace('"', "").split(",") if "=" in part)
        release = numbers(labels.get("removed_release", ""))
        if release and release <= numbers(wanted)[:2]:
            group = "/".join(filter(None, (labels.get("group"), labels.get("version"))))
            found.add(f"{group} {labels.get('resource', '')}".strip())
    return found
