#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The Debian package of a source tarball, by Debian's own tools; no network.
#
#   deb.sh TARBALL DIRECTORY    builds in DIRECTORY, and prints the names of the packages
set -eu
tarball=$(realpath "$1")
mkdir -p "$2"
cd "$2"
name=$(basename "$tarball" .tar.gz)
rm -rf "$name" ./*.deb ./*.changes ./*.buildinfo ./*.orig.tar.gz ./*.dsc ./*.debian.tar.xz
cp "$tarball" "$(printf %s "$name" | tr - _).orig.tar.gz"
tar -xzf "$tarball"
cp -R "$name/packaging/debian" "$name/debian"
(cd "$name" && DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS-nocheck parallel=$(nproc)}" dpkg-buildpackage --no-sign) >build.log 2>&1 || {
    tail -n 40 build.log >&2
    exit 1
}
for deb in "$PWD"/*.deb; do echo "$deb"; done
