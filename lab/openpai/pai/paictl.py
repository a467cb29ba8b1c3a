#!/usr/bin/env python3
"""paictl's stand-in: `python paictl.py ...` from anywhere; it works in its own folder, as the real one does."""

import os
import runpy

os.chdir(os.path.dirname(os.path.realpath(__file__)))
runpy.run_module("deployment", run_name="__main__")
