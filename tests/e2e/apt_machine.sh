# SPDX-License-Identifier: Apache-2.0
# Sourced after lib.sh by the tests that lock Debian packages of an archive of their own.
#
#   apt_machine ARCHITECTURE SOURCE [LINE…]  makes in $machine a machine whose apt knows that source alone, with LINE… more
#                                            in its apt.conf; from here on APT_CONFIG is that
apt_machine() {
    machine=$work/machine
    mkdir -p "$machine/state/lists/partial" "$machine/cache/archives/partial" "$machine/parts"
    : >"$machine/status"
    cat >"$machine/apt.conf" <<E
Dir::State "$machine/state";
Dir::State::status "$machine/status";
Dir::Cache "$machine/cache";
Dir::Etc::sourcelist "$machine/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::parts "$machine/parts";
APT::Architecture "$1";
APT::Architectures { "$1"; };
APT::Sandbox::User "root";
E
    echo "$2" >"$machine/sources.list"
    shift 2
    [ $# = 0 ] || printf '%s\n' "$@" >>"$machine/apt.conf"
    APT_CONFIG=$machine/apt.conf
    export APT_CONFIG
}
