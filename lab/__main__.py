"""python -m lab: see lab/cli.py."""

import sys

if sys.platform != "linux":
    sys.exit("lab: the hosts of the lab are Linux containers; run it on a Debian or Ubuntu machine")

from lab.cli import main

main()
