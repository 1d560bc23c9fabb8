#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The sandbox, from outside: what a program sees does not depend on who runs it and from where, and
# it cannot get out, as root, as an ordinary user, or when the host refuses to make one.
. "$(dirname -- "$0")/lib.sh"

spy=$ASSAY_HELPERS/spy
mkdir "$work/out" "$work/private"
chmod 700 "$work/private"
printf 'secret\n' >"$work/private/view"
chmod 600 "$work/private/view"
# The helpers may live where only root can go: an ordinary user gets copies.
cp "$spy" "$ASSAY_HELPERS/sandbox_run" "$work/private/"
spy=$work/private/spy
runner=$work/private/sandbox_run

# sandbox DEED [ARG]…: the spy does its deed; $options may add to the sandbox's
options=
sandbox() {
    # shellcheck disable=SC2086 # the options are words
    run "$runner" -t 60 -w "$work/out" -v "$spy=/bin/spy" -v "$work/private/view=/in/view" \
        $options -- /bin/spy "$@"
}

# ---- the same from everywhere ----
sandbox see
exits 0 'the spy looks around'
cp "$work/stdout" "$work/first"
ok 'it is user 1000 on localhost' grep -q '^uid 1000 1000 gid 1000 1000' "$work/first"
ok 'the host name is fixed' grep -q '^host localhost domain (none)' "$work/first"
ok 'it has no capability' grep -q 'CapBnd:	0000000000000000$' "$work/first"
ok 'it has a filter and no new privileges' sh -c \
    "grep -q 'NoNewPrivs:	1' '$work/first' && grep -q 'Seccomp:	2' '$work/first'"
is 'it has three descriptors' "$(grep -c '^fd ' "$work/first")" 3
is 'it sees no file of the host' "$(grep -c '^path /\(etc\|usr\|home\|root\|sys\)' "$work/first")" 0
ok 'its only network interface is down and silent' sh -c \
    "grep 'net/dev.*:' '$work/first' | grep -q ' lo: *0 *0 *0' && [ \$(grep -c 'net/dev.*:' '$work/first') = 1 ]"

same() {
    is "the same $1" "$(cat "$work/stdout")" "$(cat "$work/first")"
}

sandbox see
same 'again'
cd /usr || exit 1
sandbox see
same 'from another directory'
cd "$top" || exit 1
(umask 077 && "$runner" -w "$work/out" -v "$spy=/bin/spy" -v "$work/private/view=/in/view" -- /bin/spy see \
    >"$work/stdout")
same 'with another umask'
run env TZ=Asia/Tokyo LANG=tr_TR.UTF-8 LC_ALL=tr_TR.UTF-8 HOME=/nowhere SOURCE_DATE_EPOCH=77 EXTRA=1 \
    "$runner" -w "$work/out" -v "$spy=/bin/spy" -v "$work/private/view=/in/view" -- /bin/spy see
same 'in another environment'
run env -i "$runner" -w "$work/out" -v "$spy=/bin/spy" -v "$work/private/view=/in/view" -- /bin/spy see
same 'without an environment'
"$runner" -w "$work/out" -v "$spy=/bin/spy" -v "$work/private/view=/in/view" -- /bin/spy see \
    >"$work/stdout" 7<"$work/private/view" 8<"$top" <"$work/private/view"
same 'with more descriptors open'
(ulimit -c unlimited 2>/dev/null; ulimit -S -n 512; trap '' PIPE TERM; "$runner" -w "$work/out" \
    -v "$spy=/bin/spy" -v "$work/private/view=/in/view" -- /bin/spy see) >"$work/stdout"
same 'with other soft limits and ignored signals'

# The comparison can fail: a program that is shown something else does see it.
run "$runner" -v "$spy=/bin/spy" -v "$work/private/view=/in/view" -- /bin/spy see
exits 0 'a sandbox without an output directory'
if cmp -s "$work/stdout" "$work/first"; then fail 'it looks different'; else pass 'it looks different'; fi

# ---- no way out ----
sandbox escape /in/view
exits 0 'the spy finds no way out'
prints '^escapes: 0$' 'it counted none'
is 'nothing was allowed' "$(grep -c ALLOWED "$work/stdout")" 0
ok 'it tried a hundred ways' [ "$(wc -l <"$work/stdout")" -ge 100 ]
is 'the view is as it was' "$(cat "$work/private/view")" secret
is 'nothing is left in the output directory' "$(ls -A "$work/out")" ''

options='-p 10'
sandbox forks
prints '^forks 9 EAGAIN$' 'processes are bounded'
sandbox threads
prints '^threads 9 EAGAIN$' 'threads are bounded'
options='-p 10 -t 1'
sandbox bomb
exits 137 'a fork bomb ends at the timeout'
says '^timed out$' 'and is said to'
options='-f 1048576'
sandbox huge
prints '^wrote 1048576 EFBIG$' 'files are bounded'
options=
sandbox tmp
prints '^wrote 67108864 ENOSPC$' 'the temporary directory is bounded'
sandbox flood
exits 5 'endless output is refused'
rm -rf "$work/out" && mkdir "$work/out"

# The processes that see the output directory as a mount: those in the sandbox.
inside() { grep -l "/${work##*/}/out " /proc/[0-9]*/mountinfo 2>/dev/null; }
none_inside() { [ -z "$(inside)" ]; }
sandbox daemon
exits 0 'a program leaves a daemon behind'
size=$(wc -c <"$work/out/heartbeat")
ok 'the daemon had lived' [ "$size" -gt 0 ]
is 'the daemon is gone' "$(inside)" ''
is 'and does nothing any more' "$(wc -c <"$work/out/heartbeat")" "$size"
rm -f "$work/out/heartbeat"

"$runner" -t 60 -w "$work/out" -v "$spy=/bin/spy" -- /bin/spy beat >/dev/null 2>&1 &
caller=$!
ok 'a program runs' await [ -s "$work/out/heartbeat" ]
ok 'inside' [ -n "$(inside)" ]
kill -9 $caller
wait $caller 2>/dev/null
ok 'it dies with its caller' await none_inside
rm -f "$work/out/heartbeat"

# ---- a program's own fence ----
run "$runner" -N -- "$spy" sockets
exits 0 'a program that denies itself the network'
prints '^socket unix: EPERM$' 'has none'
is 'of no family' "$(grep -c EPERM "$work/stdout")" 10
run "$runner" -v "$spy=/bin/spy" -v "$runner=/bin/run" -- /bin/run -N -- /bin/spy sockets
exits 0 'it can do so inside the sandbox, too'
run "$runner" -v "$spy=/bin/spy" -v "$runner=/bin/run" -- /bin/run -v /bin/spy=/bin/spy -- /bin/spy work
exits 7 'a sandbox within the sandbox is refused'

# ---- what is left behind ----
sandbox symlink
exits 3 'a link out of the output directory is refused'
one_line 'with one line'
says "symbolic link .*/out/link'" 'that names it'
rm -rf "$work/out" && mkdir "$work/out"
sandbox setid
exits 3 'a set-id file is refused'
says "set-id file .*/out/lender'" 'and named'
rm -rf "$work/out" && mkdir "$work/out"

# ---- refusals ----
run "$runner" -v "$spy=/bin/spy" -v "$work/nothing=/x" -- /bin/spy see
exits 5 'a view that is not there'
one_line 'gives one line'
run "$runner" -v "$spy=/bin/spy" -v /dev/null=/x -- /bin/spy see
exits 5 'a device is no view'
run "$runner" -v "$spy=/bin/spy" -w "$work/nothing" -- /bin/spy see
exits 5 'an output directory that is not there'
run "$runner" -v "$spy=/bin/spy" -- /bin/other
exits 5 'a program that is not there'

# A host without user namespaces: their limit is set to 0 in a user namespace of our own.
run unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"' sh \
    "$runner" -w "$work/out" -v "$spy=/bin/spy" -- /bin/spy work
exits 7 'a host that refuses user namespaces'
one_line 'gives one line'
says '^sandbox: .*sysctl -w user.max_user_namespaces=' 'that says what to enable'
is 'and nothing ran' "$(ls -A "$work/out")" ''

# ---- as an ordinary user, when root runs the tests ----
if [ "$(id -u)" = 0 ]; then
    chmod 755 "$work"
    chown -R 12345:12345 "$work/out" "$work/private"
    run setpriv --reuid 12345 --regid 12345 --clear-groups "$runner" -t 60 -w "$work/out" \
        -v "$spy=/bin/spy" -v "$work/private/view=/in/view" -- /bin/spy see
    exits 0 'an ordinary user has the same sandbox'
    same 'for an ordinary user'
    run setpriv --reuid 12345 --regid 12345 --clear-groups "$runner" -t 60 -w "$work/out" \
        -v "$spy=/bin/spy" -v "$work/private/view=/in/view" -- /bin/spy escape /in/view
    exits 0 'and the spy finds no way out of it'
    run setpriv --reuid 12345 --regid 12345 --clear-groups "$runner" -p 10 -v "$spy=/bin/spy" \
        -- /bin/spy forks
    prints '^forks 9 EAGAIN$' 'its processes are bounded too'
else
    pass 'the tests run as an ordinary user'
fi

done_testing
