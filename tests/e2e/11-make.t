#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What make does when something changed: it compiles and links what needs it, nothing else, and what it leaves is, byte for
# byte, what a build from nothing gives. And `make test T=NAME`. The Makefile is ours, the tree a small one.
. "$(dirname "$0")/lib.sh"

# ---- this tree: what the records say is what the programs say of themselves ----
cd "$top" || exit 1
build=${ASSAY_BIN%/bin}
compared=0
for program in "$ASSAY_BIN"/assay*; do
    name=$(basename "$program")
    # The linker puts the name of each object's source into the symbol table; the C library's start files have theirs, too.
    readelf -sW "$program" | awk '$4 == "FILE" && $8 ~ /\.c$/ { print $8 }' | sort -u >"$work/inside"
    sed -n 's/.*: .*\/\(.*\)\.o$/\1.c/p' "$build/linked/bin/$name.d" | sort -u >"$work/recorded"
    # An object that has no function, only texts, leaves no name of its source when the texts that are used are moved out of it.
    missed=$(comm -13 "$work/inside" "$work/recorded" | while read -r source; do
        object=$(grep -o "[^ ]*/${source%.c}\\.o" "$build/linked/bin/$name.d" | head -n 1)
        nm "$top/$object" 2>/dev/null | grep -q ' [Tt] ' && echo "$source"
    done)
    [ -s "$work/recorded" ] && [ -z "$missed" ] && compared=$((compared + 1)) || echo "# $name: recorded and not inside: $missed"
    # The other way round: any file of the floors that is inside is recorded, or is the program's own.
    for source in $(comm -23 "$work/inside" "$work/recorded"); do
        find base attest store formats net builder verifier runner -name "$source" | grep -v '_main\.c$' | while read -r path; do
            grep -q "/${path%.c}.o" "$build/linked/bin/$name.command" || echo "# $name: inside and not recorded: $path"
        done
    done >"$work/missing"
    cat "$work/missing"
    [ ! -s "$work/missing" ] || compared=-100
done
is "each program's record names the objects that are in it" "$compared" "$(ls "$ASSAY_BIN" | grep -c '^assay')"

# ---- a small tree ----
mkdir "$work/tree"
cp Makefile "$work/tree"
touch "$work/tree/packages.txt"
mkdir "$work/tree/tests"
cp tests/find.sh "$work/tree/tests"
cd "$work/tree" || exit 1
for floor in base attest store formats net builder verifier runner; do
    mkdir $floor
    # shellcheck disable=SC2016 # make's variables
    printf '%s_SRCS := $(sort $(wildcard %s/*.c))\n' $floor $floor >$floor/module.mk
done
cat >>base/module.mk <<'END'
PROGRAMS += one
one_MAIN := base/one_main.c
one_FLOORS := base
END
cat >>store/module.mk <<'END'
PROGRAMS += two
two_MAIN := store/two_main.c
two_FLOORS := store base
END
echo 'int leaf(void);' >base/leaf.h
echo 'int shared(void);' >base/shared.h
printf '#include "base/leaf.h"\nint leaf(void)\n{\n    return 1;\n}\n' >base/leaf.c
printf '#include "base/shared.h"\nint shared(void)\n{\n    return 2;\n}\n' >base/shared.c
printf '#include "base/leaf.h"\n#include "base/shared.h"\nint main(void)\n{\n    return leaf() + shared();\n}\n' >base/one_main.c
printf '#include "base/shared.h"\nint main(void)\n{\n    return shared();\n}\n' >store/two_main.c
mkdir -p tests/unit/base tests/unit/store tests/e2e tests/slow
printf '#include "base/leaf.h"\n#include <stdio.h>\nint main(void)\n{\n    return puts("1..1\\nok 1") < 0 || leaf() != 1;\n}\n' >tests/unit/base/test_leaf.c
sed '1d; s/leaf() != 1/0/' tests/unit/base/test_leaf.c >tests/unit/store/test_leaf_two.c

# Everything is old; what a step changes is newer, however fast it is.
age() {
    find . -exec touch -d '2001-01-01' {} +
}
build() {
    run make -j4 "$@" all build/tests/unit/base/test_leaf build/tests/unit/store/test_leaf_two
}
# linked NAME PROGRAM…: the step succeeds and links these; then the programs are those of a build from nothing.
linked() {
    name=$1
    shift
    build
    exits 0 "$name: it builds"
    is "$name: links ${*:-nothing}" "$(sed -n 's/^  LINK *build\///p' "$work/stdout" | sed 's/tests\/unit\///' | sort | tr '\n' ' ')" "$*${*:+ }"
    rm -rf other
    make -s BUILD=other -j4 all other/tests/unit/base/test_leaf >"$work/other" 2>&1 || cat "$work/other"
    different=
    for program in bin/one bin/two tests/unit/base/test_leaf; do
        cmp "build/$program" "other/$program" >&2 || different="$different $program"
    done
    is "$name: a build from nothing gives the same bytes" "$different" ""
    rm -rf other
    age
}

linked "from nothing" base/test_leaf bin/one bin/two store/test_leaf_two
linked "nothing changed"
sed -i 's/return 1/return 0 + 1/' base/leaf.c
linked "a leaf changed" base/test_leaf bin/one
touch base/leaf.h
linked "its header changed" base/test_leaf bin/one
touch store/two_main.c
linked "a program's own source changed" bin/two
touch base/shared.c
linked "what both programs use changed" bin/one bin/two
printf 'int lonely(void);\nint lonely(void)\n{\n    return 3;\n}\n' >base/lonely.c
linked "a file is added that nothing uses"
printf 'int lonely(void);\nint lonelier(void);\nint lonely(void)\n{\n    return 3;\n}\nint lonelier(void)\n{\n    return 4;\n}\n' >base/lonely.c
linked "it gets another symbol"
sed -i '1i int lonely(void);' store/two_main.c
sed -i 's/return shared()/return shared() + lonely()/' store/two_main.c
linked "a program begins to use it" bin/two
touch base/lonely.c
linked "it changed" bin/two
printf 'int lonely(void);\nint lonely(void)\n{\n    return 3;\n}\n' >store/alone.c
printf 'int lonelier(void);\nint lonelier(void)\n{\n    return 4;\n}\n' >base/lonely.c
linked "its symbol moves to a file of another floor" bin/two
touch base/lonely.c
linked "the file where it was changed"
rm base/lonely.c
linked "that file is removed"
mv store/alone.c store/z_alone.c
linked "the other one gets another name" bin/two
mv store/z_alone.c base/alone.c
linked "it moves to another floor" bin/two
mv base/alone.c lonely
build
[ "$code" != 0 ] && pass "a file that is used is removed: the link fails" || fail "a file that is used is removed: the link fails" "$(context)"
mv lonely base/alone.c
linked "it is back" bin/two
rm build/linked/bin/one.d
linked "a program's record is lost" bin/one
rm -r build/lib
linked "the archives are lost"
echo 'two_LIBS := -lm' >>store/module.mk
linked "the libraries of one program, and so of all tests, change" base/test_leaf bin/two store/test_leaf_two
echo 'base_SRCS := $(filter-out base/nothing.c,$(base_SRCS))' >>base/module.mk
linked "a module.mk says the same in other words"
build CFLAGS=-O1
is "flags change: everything is built again" "$(grep -c '^  CC' "$work/stdout") $(grep -c '^  LINK' "$work/stdout")" "7 4"
age

# ---- make test T=NAME ----
printf 'echo 1..1\necho ok 1\n' >tests/e2e/30-leaf_story.t
run make test T=leaf
exits 0 "make test T=leaf runs a unit test"
prints '^build/tests/unit/base/test_leaf ' "which is the one of that name"
for name in test_leaf tests/unit/base/test_leaf.c base/leaf "$work/tree/tests/unit/base/test_leaf.c" build/tests/unit/base/test_leaf test_leaf.c; do
    is "$name means it, too" "$(sh tests/find.sh "$name" 2>&1)" tests/unit/base/test_leaf.c
done
for name in 30-leaf_story 30-leaf_story.t leaf_story story tests/e2e/30-leaf_story.t; do
    is "$name means an end-to-end test" "$(sh tests/find.sh "$name" 2>&1)" tests/e2e/30-leaf_story.t
done
run make test T=lea
exits 2 "a name that means several tests fails"
says '^several tests are meant by `lea`:' "and says so"
is "and lists them" "$(grep ^tests/ "$work/stderr")" "$(printf 'tests/e2e/30-leaf_story.t\ntests/unit/base/test_leaf.c\ntests/unit/store/test_leaf_two.c')"
run make test T='no such;"'"'"'$(x)'
exits 2 "a name that means none fails"
says 'no test is called `no such;"'"'"'`:' "and says so"
is "and lists all" "$(grep -c ^tests/ "$work/stderr")" 3
run make test
exits 2 "no name fails"
says 'make test T=NAME runs one' "and says how"
sed -i 's/leaf() != 1/leaf() != 9/' tests/unit/base/test_leaf.c
run make test T=leaf
exits 2 "a test that fails fails"

# ---- what tests need from the network is locked once ----
mkdir -p "$work/inputs"
cp "$top/tests/inputs/lock.sh" "$work/inputs"
echo 'name: one' >"$work/inputs/one.yml"
echo script >"$work/inputs/beside"
cat >"$work/fake" <<'END'
#!/bin/sh
case $1 in
lock) [ ! -e "$0.offline" ] && for plan; do :; done && echo readable >"$plan" ;;
plan) grep -q readable "$3" ;;
esac
END
chmod +x "$work/fake"
lock() { # NAME WHAT: it locks, or has no need to
    run sh "$work/inputs/lock.sh" "$work/fake" "$work/locked/store" "$work/inputs/one.yml" "$work/locked/one.plan.json"
    is "inputs: $1" "$code $(grep -c LOCK "$work/stdout")" "$2"
}
lock "are locked the first time" "0 1"
touch "$work/fake" "$work/inputs/one.yml" "$work/inputs/beside"
lock "are not locked again because something is newer" "0 0"
touch "$work/fake.offline"
lock "nor is the network needed" "0 0"
rm "$work/fake.offline"
echo 'another script' >"$work/inputs/beside"
lock "are locked again when a file beside the recipe changes" "0 1"
echo 'name: two' >"$work/inputs/one.yml"
touch "$work/fake.offline"
lock "are not taken for locked when locking fails" "1 1"
rm "$work/fake.offline"
lock "are locked the next time" "0 1"
echo broken >"$work/locked/one.plan.json"
lock "are locked again when the plan cannot be read" "0 1"
done_testing
