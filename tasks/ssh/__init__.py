"""SSH trust between the dev box, this side and the hosts."""

from tasks.ssh.deploy import establish_trust
from tasks.ssh.facts import Account
