#!/bin/bash
cd "$(dirname "$0")" || exit
/bin/bash start.sh
