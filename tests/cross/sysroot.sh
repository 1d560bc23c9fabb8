#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The libraries of another Debian architecture, unpacked for a cross compiler and for QEMU; nothing of
# this machine changes, and nothing is installed.
#
#   sysroot.sh ARCH DIRECTORY PACKAGE...    DIRECTORY/root gets the packages and what they depend on
#
# Sources and keys are the machine's own apt's; its lists and archives of ARCH are kept in DIRECTORY/apt,
# so that a second run fetches only what is new.
set -eu
arch=$1
directory=$2
shift 2
mkdir -p "$directory/apt/lists/partial" "$directory/apt/archives/partial"
top=$(cd "$directory" && pwd)
cat >"$top/apt/apt.conf" <<EOF_CONF
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Install-Recommends "false";
APT::Sandbox::User "";
Dir::State::Lists "$top/apt/lists";
Dir::State::Status "/dev/null";
Dir::Cache "$top/apt";
Dir::Cache::Archives "$top/apt/archives";
EOF_CONF
export APT_CONFIG="$top/apt/apt.conf"
apt-get -q update
# As if nothing were installed: the whole closure comes.
apt-get -q -y --download-only install "$@"
rm -rf "$top/root" "$top/root.new"
mkdir "$top/root.new"
for deb in "$top"/apt/archives/*.deb; do
    dpkg-deb -x "$deb" "$top/root.new"
done
# Links to /lib and /usr would lead out of the root.
find "$top/root.new" -type l -lname '/*' -printf '%p\t%h\t%l\n' | while IFS='	' read -r link folder target; do
    ln -sfn "$(realpath -sm --relative-to="$folder" "$top/root.new$target")" "$link"
done
mv "$top/root.new" "$top/root"
