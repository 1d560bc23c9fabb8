#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The source tarball of the commit that is checked out: a function of the commit alone, not of the checkout, the clock, the
# user or the umask.
#
#   dist.sh DIRECTORY    makes DIRECTORY/assay-VERSION.tar.gz, and prints its name
set -eu
directory=$1
cd "$(dirname "$0")/.."
git rev-parse --verify -q HEAD >/dev/null 2>&1 || { echo "dist: a tarball is made of a commit, and this is no git checkout" >&2; exit 1; }
git diff-index --quiet HEAD -- || echo "dist: what is not committed is not in it" >&2

# One version, wherever it stands. What is committed counts.
committed() { git show "HEAD:$1"; }
version=$(committed base/version.h | sed -n 's/^#define ASSAY_VERSION "\(.*\)"$/\1/p')
newest=$(committed CHANGELOG.md | sed -n 's/^## \([0-9][0-9.]*\) .*/\1/p' | head -n 1)
debian=$(committed packaging/debian/changelog | sed -n '1s/^assay (\(.*\)-[^-]*) .*/\1/p')
for other in "CHANGELOG.md:$newest" "packaging/debian/changelog:$debian"; do
    [ "${other#*:}" = "$version" ] || { echo "dist: ${other%%:*} is of version ${other#*:}, base/version.h of $version" >&2; exit 1; }
done

mkdir -p "$directory"
name=assay-$version
# The times of all files are the commit's; the user's settings of umask and attributes do not count.
git -c tar.umask=0022 -c core.attributesFile=/dev/null archive --format=tar --prefix="$name/" HEAD >"$directory/$name.tar.new"
gzip -n -9 <"$directory/$name.tar.new" >"$directory/$name.tar.gz.new"
rm "$directory/$name.tar.new"
mv "$directory/$name.tar.gz.new" "$directory/$name.tar.gz"
echo "$directory/$name.tar.gz"
