"""What planning costs for each host, counted in calls of functions: the same on any machine and at any load."""

from __future__ import annotations

from cProfile import Profile
from pstats import Stats

from tests.plan import gpu_answers
from tests.plan.conftest import make_folder, planned

# For each operation; 2,450 were counted. pyinfra by itself makes more than twice as many.
MOST_CALLS = 3500
WORKER = "@fake/openpai-001"
WITH_GPU = {"modinfo -F": gpu_answers.RUNNING, "nvidia-smi --query-gpu": gpu_answers.SMI}


def calls(parent, workers: int) -> tuple[int, int]:
    """The calls that planning deploy.py takes for a cluster of so many workers with GPUs, and a worker's operations."""
    parent.mkdir()
    folder = make_folder(parent)
    names = {f"openpai-{number:03d}": f"10.3.0.{number}" for number in range(1, workers + 1)}
    (folder / "worker.csv").write_text("".join(f"{name},{address}\n" for name, address in names.items()))
    profile = Profile()
    profile.enable()
    try:
        with planned(folder, "deploy.py", dict.fromkeys(names, WITH_GPU)) as plan:
            profile.disable()
            operations = len(plan.all_operations(WORKER))
    finally:
        profile.disable()
    return Stats(profile).total_calls, operations  # type: ignore[attr-defined]


def test_a_host_costs_no_more_than_it_did_and_the_same_in_a_large_cluster(tmp_path):
    calls(tmp_path / "first", 1)  # imports, and what is kept from then on
    (few, _), (some, _), (many, operations) = (calls(tmp_path / str(workers), workers) for workers in (2, 8, 32))
    small, large = (some - few) / 6, (many - some) / 24
    assert small / operations < MOST_CALLS
    assert large < small * 1.02
