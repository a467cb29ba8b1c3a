"""How hosts are reached and spoken to, and what every task needs: the inventory, stopping, waiting, asking others."""

from tasks.reach import deciding, detached, quick_planning, together
from tasks.reach.asking import Holds
from tasks.reach.barrier import barrier
from tasks.reach.context import cluster_host, cluster_of, config_of, disruption_allowed, role_of
from tasks.reach.diff import show_diff
from tasks.reach.facts import Fact
from tasks.reach.files import put
from tasks.reach.inventory import groups
from tasks.reach.once import once
from tasks.reach.one_run import LOCK
from tasks.reach.other_hosts import ask, copied, the_dev_box, the_master
from tasks.reach.script import DIRECT, Commands, program, quoted, script, text
from tasks.reach.sections import parse_sections, probe_script, probes, shell
from tasks.reach.stop import complain, planning, refused, stop, why
from tasks.reach.streams import file_sha256
from tasks.reach.templates import FILES, render
from tasks.reach.turn import has_turn, may_disturb, must_wait, take_turn, waiting
from tasks.reach.waiting import until
