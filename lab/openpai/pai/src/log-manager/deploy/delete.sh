#!/bin/bash
cd "$(dirname "$0")" || exit
/bin/bash stop.sh || exit
