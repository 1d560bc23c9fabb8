#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The order of floors and rooms, what may not be called, and circles: floors.py has the tables.
#
#   floors.sh [DIRECTORY [BUILD]]    checks the tree (default: the one this script is in); with BUILD also what
#                                    its objects and programs ask of each other, as `make lint-floors` does
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
PYTHONDONTWRITEBYTECODE=1 exec python3 "$here/floors.py" ${2:+--objects "$2"} "${1:-$here/../..}"
