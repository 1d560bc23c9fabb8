#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# lock.sh ASSAY STORE RECIPE PLAN: locks a recipe of this folder, unless PLAN was locked from what is here now and can still
# be read. A recipe that names no architecture is locked for the machine's own. When something was built or copied does not matter: a lock needs the network, its plan does not.
set -eu
assay=$1 store=$2 recipe=$3 plan=$4
from=$(cd "$(dirname -- "$recipe")" && find . -type f ! -name '*.yml' ! -name '*.md' ! -name lock.sh | LC_ALL=C sort |
    xargs cat "$(basename -- "$recipe")" | sha256sum)
if [ "$(cat "$plan.from" 2>/dev/null)" = "$from" ] && "$assay" plan digest "$plan" >/dev/null 2>&1; then
    exit 0
fi
mkdir -p "$(dirname -- "$plan")"
printf '  %-6s %s\n' LOCK "$plan"
rm -f "$plan.from"
arch=
grep -q '^arch:' "$recipe" || arch="--arch $(dpkg --print-architecture)"
# shellcheck disable=SC2086 # an option with its value, or nothing
"$assay" lock --quiet --store "$store" $arch "$recipe" -o "$plan"
printf '%s\n' "$from" >"$plan.from"
