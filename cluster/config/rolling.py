"""Keys: rolling changes."""

from cluster.config.base import Count, Group, Positive, Share, key


class Rolling(Group):
    """Rolling changes

    How nodes at work are changed: a canary, then batches, each node drained first (docs/rolling.md).
    """

    rolling_batch: Share = key(
        "10%",
        "Nodes that are out of service at a time after the canary: a count, or a share of all workers, in quotes.",
        example='"2"',
        changes="tasks.rolling.change",
    )
    rolling_max_failures: Count = key(
        0,
        "Nodes that may fail before the rest is left alone; the canary may not.",
        changes="tasks.rolling.change",
    )
    drain_wait: Count = key(
        3600,
        "Seconds to wait on each node for jobs to end by themselves.",
        changes="tasks.rolling.change",
    )
    drain_timeout: Positive = key(
        180,
        "Seconds for the other pods of a node to leave within their PodDisruptionBudgets.",
        changes="tasks.rolling.change",
    )
