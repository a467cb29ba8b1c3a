"""Who is changed when, who is left out, and when a rolling change stops. Pure: facts and config in, decisions out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tasks.kubernetes.facts.cluster import Member
from tasks.kubernetes.marks import Stage


@dataclass(frozen=True)
class Candidate:
    """A host of the run: what is due on it (nothing: empty), its node, and how many jobs run there."""

    name: str
    due: tuple[str, ...]
    member: Member | None
    master: bool = False
    jobs: int = 0


@dataclass(frozen=True)
class Roll:
    """The batches in their order, by name, the first of which is the canary; and why others are left out."""

    batches: tuple[tuple[str, ...], ...] = ()
    due: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)

    def batch_of(self, name: str) -> int | None:
        """The number of the batch that `name` is in."""
        return next((number for number, names in enumerate(self.batches) if name in names), None)

    @property
    def canary(self) -> str:
        """The first host to be changed."""
        return self.batches[0][0]


def batch_size(wanted: str, nodes: int) -> int:
    """How many hosts are out of service at a time, of a count or a share of all `nodes`.

    >>> batch_size("3", 100), batch_size("10%", 100), batch_size("10%", 4)
    (3, 10, 1)
    """
    if wanted.endswith("%"):
        return max(1, nodes * int(wanted[:-1]) // 100)
    return int(wanted)


def planned(candidates: Sequence[Candidate], size: int, masters_first: bool = False) -> Roll:
    """Who goes when: one canary, then batches of `size`, then (or first) the masters one by one.

    A host that an earlier run left out of service goes first, whatever is due on it by now; then those with the fewest
    jobs, which would have to be waited for. The others keep their order.
    """
    left_out, going = {}, []
    for one in candidates:
        if not one.due and not (one.member and one.member.mark):
            continue
        why = _unfit(one.member)
        if why:
            left_out[one.name] = why
        else:
            going.append(one)
    going.sort(key=_place)
    workers = [one.name for one in going if not one.master]
    masters = [(one.name,) for one in going if one.master]
    rest = workers[1:]
    batches = [tuple(workers[:1]), *(tuple(rest[at : at + size]) for at in range(0, len(rest), size))]
    batches = [*masters, *batches] if masters_first else [*batches, *masters]
    due = {one.name: "; ".join(one.due) or "what an earlier run began" for one in going}
    return Roll(tuple(filter(None, batches)), due, left_out)


def _unfit(member: Member | None) -> str:
    """Why a node is not taken out of service; one that an earlier run has taken out may be anything meanwhile."""
    if member is None:
        return "it is no member of the cluster; run deploy.py first"
    if member.mark:
        return ""
    if member.cordoned:
        return "somebody else has cordoned it; kubectl uncordon it, then run again"
    if not member.ready:
        return f"it is not Ready: {member.fault}"
    return ""


def _place(one: Candidate) -> tuple[int, int]:
    mark = one.member.mark if one.member else None
    if mark is None:
        return 2, one.jobs
    return (0 if mark.stage is Stage.CHANGING else 1), one.jobs


def halted(roll: Roll, failed: Mapping[str, str], begun: Collection[str], most: int) -> str | None:
    """Why no further host is begun with; None while it may go on.

    `failed` are hosts of the roll that failed in this run, with what they said; of these, those that were not even
    `begun` (their pods did not leave) are as they were, and count only as the canary, which has then proved nothing.
    """
    if roll.canary in failed:
        what = "failed" if roll.canary in begun else "could not be begun with"
        return f"the canary {roll.canary} {what}: {failed[roll.canary]}"
    spoilt = [name for name in failed if name in begun]
    if len(spoilt) > most:
        each = "; ".join(f"{name}: {failed[name]}" for name in spoilt)
        return f"{len(spoilt)} hosts failed, {most} may (rolling_max_failures): {each}"
    return None


def in_words(roll: Roll) -> list[str]:
    """The order, a line a batch, and those that are left out."""
    lines = []
    for number, names in enumerate(roll.batches, 1):
        each = ", ".join(f"{name} ({roll.due[name]})" for name in names)
        lines.append(f"batch {number} of {len(roll.batches)}{', the canary' if number == 1 else ''}: {each}")
    return [*lines, *(f"left out: {name}, {why}" for name, why in roll.left_out.items())] or ["nothing is due"]


def in_short(names: Iterable[str], most: int = 5) -> str:
    """The first of `names`, and how many more there are.

    >>> in_short("abc", most=2)
    'a, b and 1 more'
    """
    each = list(names)
    more = f" and {len(each) - most} more" if len(each) > most else ""
    return ", ".join(each[:most]) + more
