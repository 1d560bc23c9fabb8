# SPDX-License-Identifier: Apache-2.0
"""The order of floors and rooms, over includes and link symbols, and what may not be called.

    floors.py [--objects BUILD] [DIRECTORY]

Checks the tree of DIRECTORY (default: the one this file is in). With --objects also what the objects and
programs of a build (BUILD/obj, BUILD/bin) ask of each other. Before that it proves, on planted trees, that
each rule can fail. Prints "file:line: what is wrong"; exits 1 when anything is.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

# A floor stands on these, and on itself. verifier/ and runner/ never name builder/.
FLOORS = {
    'base': '',
    'attest': 'base',
    'store': 'base attest',
    'formats': 'base store',
    'net': 'base store formats',
    'builder': 'base attest store formats net',
    'verifier': 'base attest store formats net',
    'runner': 'base store formats',
    'service': 'base attest store formats net verifier runner',
}

# A room of a floor may name these rooms of its own floor, and itself. "floor/*" is any room of it without a
# row; what lies deeper than a room belongs to the room.
ROOMS = {
    'base': '',
    'base/sandbox': 'base',
    'base/yaml': 'base',
    'attest': '',
    'store/cas': '',
    'store/log': '',
    'formats/stream': '',
    'formats/tree': 'formats/stream',
    'formats/object': 'formats/stream',
    'formats/tar': 'formats/stream formats/tree formats/object',
    'formats/layers': 'formats/stream formats/tree formats/object formats/tar',
    'formats/machine': 'formats/stream formats/tree formats/object formats/tar',
    'formats/oci': 'formats/stream formats/tree formats/object formats/tar',
    'formats/zip': 'formats/stream formats/tree formats/object formats/compressed',
    'formats/*': 'formats/stream formats/tree formats/object',
    'net/http': '',
    'net/registry': 'net/http',
    'builder/plan': '',
    'builder/linuxkit': 'builder/plan',
    'builder/debian': 'builder/plan',
    'builder/sources': 'builder/plan',
    'builder/recipe': 'builder/plan builder/linuxkit builder/debian builder/sources',
    'builder/steps': 'builder/plan builder/linuxkit builder/debian',
    'builder/run': 'builder/plan builder/linuxkit builder/debian builder/steps',
    'builder/lock': 'builder/plan builder/linuxkit builder/debian builder/sources builder/recipe builder/steps builder/run',
    'builder/cartesi': '',
    'verifier/policy': '',
    'verifier/evidence': 'verifier/policy',
    'verifier/compare': '',
    'verifier/rebuild': '',
    'verifier/explain': '',
    'verifier/report': '',
    'verifier': 'verifier/policy verifier/evidence verifier/compare verifier/rebuild verifier/explain verifier/report',
    'runner': '',
    'service/*': '',
}

# Rooms that may name less than their floor.
NARROWER = {'builder/cartesi': 'base store formats'}

# The rooms of the builder that may reach net/; all others may not, over any number of headers.
BUILDER_NET = ('builder/lock', 'builder/sources')

# The programs that may link net/ or libcurl.
NET_PROGRAMS = ('assay-fetch', 'assay-lock', 'assay-pull', 'assay-push')

# The program that runs steps; all others only read what plans say of them.
STEP_PROGRAM = 'assay-build'
STEP_FUNCTION = re.compile(r'step_\w+_run$')

# Libraries' headers that one room alone may know.
LIBRARIES = {'curl/': 'net/http', 'sqlite3.h': 'store/log', 'yaml.h': 'base/yaml', 'squashfs/': 'formats/squashfs',
             'sqfs/': 'formats/squashfs', 'seccomp.h': 'base/sandbox'}

# What is banned, why, and where it is not.
BANNED = [
    ('strcpy strcat sprintf vsprintf strtok gets atoi atol atoll alloca', 'banned (base/README.md)', None),
    ('gmtime localtime ctime asctime mktime', 'banned: base/host.h formats times', None),
    ('system popen mktemp tmpnam tempnam', 'banned: base/process.h runs programs', None),
    ('vsnprintf vasprintf vprintf vfprintf', 'banned: base/text.h formats, and cuts between characters', None),
    ('rand srand random srandom drand48 rand_r', 'banned: randomness comes through base/host.h', None),
    ('setlocale newlocale uselocale', 'banned: the locale must not reach an artifact', None),
    ('time clock_gettime gettimeofday', 'the clock comes through base/host.h',
     r'base/(host|capture|process|progress)\.c|base/sandbox/[a-z_]*\.c|runner/[a-z_/]*\.c'),
    ('getenv secure_getenv setenv putenv', 'the environment comes through cli_env', r'base/cli\.c'),
    ('socket connect bind listen accept accept4 getaddrinfo gethostbyname',
     'only net/ and service/ open sockets', r'(net|service)/[a-z0-9_/]*\.c|builder/run/assay_build_absent\.c'),
]
CALLS = [(re.compile(r'(?<![A-Za-z0-9_>.])(%s)\s*\(' % words.replace(' ', '|')), why, re.compile(but or r'(?!)'))
         for words, why, but in BANNED]
ENVIRON = re.compile(r'(?<![A-Za-z0-9_])environ(?![A-Za-z0-9_])')

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]*)"|<([^>\n]*)>)', re.M)
NOT_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def room_of(path):
    return '/'.join(path.split('/')[:-1][:2])


def floor_of(path):
    return path.split('/', 1)[0]


def line_of(text, position):
    return text.count('\n', 0, position) + 1


def rooms_of_own_floor(room):
    """What the room may name of its own floor; None when the table has no row for it."""
    row = ROOMS.get(room, ROOMS.get(floor_of(room) + '/*'))
    return None if row is None else set(row.split()) | {room}


def may_use(room, other):
    """Why a room may not name another; None when it may."""
    floor = floor_of(room)
    lower = NARROWER.get(room, FLOORS[floor]).split()
    if floor_of(other) == floor:
        own = rooms_of_own_floor(room)
        return None if own and other in own else 'the order of rooms'
    if floor_of(other) not in lower:
        return '%s/ stands on %s only' % (room if room in NARROWER else floor, ', '.join(lower) or 'nothing')
    if floor == 'builder' and floor_of(other) == 'net' and room not in BUILDER_NET:
        return 'of the builder only %s may use the network' % ' and '.join(BUILDER_NET)
    return None


def blanked(text):
    """Comments and strings are blanked, lines kept, so that a word in a sentence is no call."""
    def blank(match):
        found = match.group(0)
        return '""' if found[0] in '"\'' else ' ' + '\n' * found.count('\n')
    return NOT_CODE.sub(blank, text)


class Graph:
    """Which room uses which, each with one place that shows it."""

    def __init__(self):
        self.edges = {}

    def add(self, room, other, where):
        if room != other:
            self.edges.setdefault(room, {}).setdefault(other, where)

    def circles(self):
        """One shortest way round for each room that lies on a circle."""
        told = set()
        for start in sorted(self.edges):
            before = {start: None}
            queue = [start]
            while queue:
                room = queue.pop(0)
                for other in sorted(self.edges.get(room, ())):
                    if other == start:
                        way = [room]
                        while before[way[-1]] is not None:
                            way.append(before[way[-1]])
                        way = way[::-1] + [start]
                        if not told & set(way):
                            yield way
                        told |= set(way)
                        queue = []
                        break
                    if other not in before:
                        before[other] = room
                        queue.append(other)

    def report(self):
        for way in self.circles():
            steps = ['%s (%s)' % (other, self.edges[room][other]) for room, other in zip(way, way[1:])]
            yield 'circle: %s -> %s' % (way[0], ' -> '.join(steps))


def check_includes(files, graph):
    quoted = {}
    for path, text in files.items():
        room = room_of(path)
        quoted[path] = []
        if rooms_of_own_floor(room) is None:
            yield '%s:1: the table of rooms (tests/lint/floors.py) has no row for %s/' % (path, room)
        for match in INCLUDE.finditer(text):
            where = '%s:%d' % (path, line_of(text, match.start(1) if match.group(1) else match.start(2)))
            header, library = match.groups()
            if library is not None:
                for start, owner in LIBRARIES.items():
                    if library.startswith(start) and room != owner:
                        yield '%s: <%s> is known to %s/ only' % (where, library, owner)
                continue
            if '..' in header:
                yield '%s: an include that climbs: "%s"' % (where, header)
                continue
            other = room_of(header)
            if floor_of(header) not in FLOORS or not other:
                yield '%s: "%s" names no floor: an include names a path from the top' % (where, header)
                continue
            quoted[path].append((header, where))
            graph.add(room, other, where)
            why = may_use(room, other)
            if why:
                yield '%s: %s/ may not include "%s": %s' % (where, room, header, why)
    yield from check_reach(files, quoted)


def check_reach(files, quoted):
    """No file outside of net, lock and sources reaches a header of net/, over any number of headers."""
    for path in files:
        room = room_of(path)
        if floor_of(path) in ('verifier', 'service', 'net') or room in BUILDER_NET:
            continue
        seen = set()
        todo = [(header, where) for header, where in quoted[path]]
        while todo:
            header, where = todo.pop()
            if header in seen:
                continue
            seen.add(header)
            if floor_of(header) == 'net':
                yield '%s: %s/ reaches "%s" through this' % (where, room, header)
                break
            todo += [(deeper, where) for deeper, _ in quoted.get(header, ())]


def check_calls(files):
    for path, text in files.items():
        code = blanked(text)
        for words, why, but in CALLS:
            if but.fullmatch(path):
                continue
            for match in words.finditer(code):
                yield '%s:%d: %s: %s' % (path, line_of(code, match.start(1)), match.group(1), why)
        if path != 'base/cli.c':
            for match in ENVIRON.finditer(code):
                yield '%s:%d: environ: the environment comes through cli_env' % (path, line_of(code, match.start()))


def nm(files):
    """(file, kind, symbol) of each global symbol."""
    if not files:
        return
    out = subprocess.run(['nm', '-A', '-g', '--'] + files, capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        path, _, rest = line.partition(':')
        fields = rest.split()
        yield path, fields[-2], fields[-1]


def check_symbols(files, build, graph):
    """Which room defines what another one needs: the same order, as the linker sees it."""
    objects = {}
    for path in files:
        if path.endswith('.c'):
            made = '%s/obj/%s.o' % (build, path[:-2])
            if os.path.exists(made):
                objects[made] = path
            else:
                yield '%s:1: has no object %s: build first' % (path, made)
    home, needs = {}, []
    for made, kind, symbol in nm(sorted(objects)):
        if kind in ('U', 'w', 'v'):
            needs.append((objects[made], symbol))
        elif symbol != 'main':
            home.setdefault(symbol, objects[made])
    for path, symbol in needs:
        if symbol not in home:
            continue
        room, other = room_of(path), room_of(home[symbol])
        graph.add(room, other, '%s needs %s' % (path, symbol))
        why = may_use(room, other)
        if why:
            yield '%s:1: %s/ needs %s of %s: %s' % (path, room, symbol, home[symbol], why)
    yield from check_programs(build, {s for s, path in home.items() if floor_of(path) == 'net'})


def check_programs(build, of_net):
    folder = build + '/bin'
    programs = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    told = set()
    for path, _, symbol in nm([folder + '/' + name for name in programs if name not in NET_PROGRAMS]):
        if path not in told and (symbol in of_net or symbol.startswith('curl_')):
            told.add(path)
            yield '%s:1: a program that has no business with the network links %s' % (path, symbol.split('@')[0])
    for path, kind, symbol in nm([folder + '/' + name for name in programs if name != STEP_PROGRAM]):
        if kind == 'T' and STEP_FUNCTION.match(symbol):
            yield '%s:1: a program that runs no steps links %s' % (path, symbol)


def check(files, build=None):
    graph = Graph()
    yield from check_includes(files, graph)
    yield from check_calls(files)
    if build:
        yield from check_symbols(files, build, graph)
    yield from graph.report()


def read(top):
    files = {}
    for floor in FLOORS:
        for folder, _, names in os.walk(os.path.join(top, floor)):
            for name in names:
                if name.endswith(('.c', '.h')):
                    path = os.path.join(folder, name)
                    with open(path, encoding='utf-8') as file:
                        files[os.path.relpath(path, top)] = file.read()
    return dict(sorted(files.items()))


# ---- does it notice? ----

# Words in comments and strings, members, longer names, and the files that may.
FINE = {
    'base/fine.c': '#include "base/err.h"\n/* strcpy(a, b) is banned; so is\n   getenv("X") */\n'
                   'const char *s = "system(1) \\" atoi(2)"; // rand()\n'
                   'int f(void) { return my_system(1) + x->brand + strand(2) + updated_time(3) + json_atoi(1); }\n',
    'base/cli.c': 'extern char **environ; char *g(void) { return getenv("HOME"); }\n',
    'base/host.c': 'int h(void) { return clock_gettime(0, 0); }\n',
    'base/sandbox/fine.c': '#include "base/err.h"\n#include <seccomp.h>\n',
    'store/cas/fine.c': '#include "store/cas/cas.h"\n#include "base/buf.h"\n#include <time.h>\n',
    'formats/new/fine.c': '#include "formats/tree/tree.h"\n#include "formats/stream/sink.h"\n',
    'formats/layers/fine.c': '#include "formats/tar/tar_reader.h"\n',
    'net/http/fine.c': '#include <curl/curl.h>\nint f(void) { return socket(1); }\n',
    'builder/lock/fine.c': '#include "net/http/http.h"\n#include "builder/run/execute.h"\n',
    'builder/sources/fine.h': '#include "net/registry/reference.h"\n',
    'builder/recipe/fine.c': '#include "builder/sources/words.h"\n',
    'verifier/explain/causes/fine.c': '#include "verifier/explain/cause.h"\n#include "formats/ext4/ext4.h"\n',
    'runner/fine.c': '#include "store/cas/cas.h"\n',
    'service/log/fine.c': '#include "verifier/verification.h"\n',
}

# file | its text | what must be said of its first line
PLANTED = '''
base/a.c|#include "store/cas/cas.h"
base/a.c|#include "base/sandbox/sandbox.h"
base/a.h|# include "attest/key.h"
base/yaml/a.c|#include "base/sandbox/sandbox.h"
attest/a.c|#include "store/log/log.h"
store/log/a.c|#include "verifier/policy/policy.h"
store/log/a.c|#include "store/cas/cas.h"
formats/tar/a.c|#include "net/http/http.h"
formats/tar/a.c|#include "attest/dsse.h"
formats/tar/a.c|#include "builder/plan/plan.h"
formats/stream/a.h|#include "formats/tree/tree.h"
formats/tree/a.c|#include "formats/tar/tar_reader.h"
formats/new/a.c|#include "formats/tar/tar_reader.h"
formats/ext4/a.c|#include "formats/erofs/erofs.h"
net/http/a.c|#include "net/registry/token.h"
net/registry/a.c|#include "builder/lock/fetch.h"
builder/plan/a.c|#include "builder/steps/step.h"
builder/plan/a.c|#include "builder/linuxkit/document.h"
builder/linuxkit/a.c|#include "builder/recipe/recipe.h"
builder/debian/a.c|#include "builder/linuxkit/merge.h"
builder/sources/a.c|#include "builder/recipe/recipe.h"
builder/recipe/a.c|#include "builder/lock/lock_linuxkit.h"
builder/recipe/a.c|#include "builder/steps/step.h"
builder/steps/a.c|#include "builder/recipe/recipe.h"
builder/steps/a.c|#include "builder/run/execute.h"
builder/run/a.c|#include "builder/lock/fetch.h"
builder/run/a.c|#include "builder/recipe/compile.h"
builder/cartesi/a.c|#include "builder/plan/plan.h"
builder/cartesi/a.c|#include "attest/dsse.h"
builder/plan/a.c|#include "net/http/http.h"
builder/linuxkit/a.c|#include "net/http/http.h"
builder/debian/a.c|#include "net/http/http.h"
builder/recipe/a.c|#include "net/registry/reference.h"
builder/steps/a.c|#include "net/http/http.h"
builder/run/a.c|#include "net/registry/network.h"
builder/cartesi/a.c|#include "net/http/http.h"
builder/recipe/a.c|#include "builder/sources/fine.h"
builder/new/a.c|int x;
builder/a.c|#include "verifier/verification.h"
builder/plan/a.c|#include "plan.h"
builder/plan/a.c|#include "builder/../verifier/x.h"
verifier/a.c|#include "builder/plan/plan.h"
verifier/policy/a.c|#include "verifier/report/verdict.h"
verifier/a.c|#include "runner/guest.h"
runner/a.c|#include "builder/plan/plan.h"
runner/a.c|#include "verifier/verification.h"
runner/a.c|#include "attest/key.h"
runner/a.c|#include "net/http/http.h"
service/log/a.c|#include "builder/plan/plan.h"
verifier/a.c|#include "service/log/serve.h"
builder/lock/a.c|#include <curl/curl.h>
store/cas/a.c|#include <sqlite3.h>
base/a.c|x = strcpy(a, b);
base/a.c|strcat (a, b);
store/cas/a.c|if (sprintf(a, b)) {
base/a.c|p = strtok(a, b);
base/a.c|gets(a);
base/a.c|return atoi(a);
base/a.c|p = alloca(3);
base/a.c|t = gmtime(&x);
base/a.c|t=localtime(&x);
runner/a.c|system("x");
builder/plan/a.c|f = popen("x", "r");
base/a.c|mktemp(x);
base/a.c|n = rand();
base/a.c|setlocale(LC_ALL, "");
base/a.c|now = time(NULL);
builder/run/a.c|clock_gettime(CLOCK_REALTIME, &ts);
store/cas/a.c|v = getenv("HOME");
store/cas/a.c|extern char **environ;
builder/lock/a.c|fd = socket(1, 2, 3);
verifier/a.c|return connect(fd, a, n);
'''.strip().splitlines()

CIRCLE = {
    'formats/one/one.c': '#include "formats/two/two.h"\n',
    'formats/two/two.c': '#include "formats/three/three.h"\n',
    'formats/three/three.c': '#include "formats/one/one.h"\n',
}

# What no include shows: declarations by hand, and programs that link the network or a step.
LINKED = {
    'formats/one/one.c': 'int two(void); int one(void); int one(void) { return two(); }',
    'formats/two/two.c': 'int one(void); int two(void); int two(void) { return one(); }',
    'builder/steps/step.c': 'int http(void); int step(void); int step(void) { return http(); }',
    'builder/steps/encode_one.c': 'int step_encode_one_run(void); int step_encode_one_run(void) { return 0; }',
    'net/http/http.c': 'int curl_easy_init(void); int http(void); int http(void) { return curl_easy_init(); }',
}


def expect(good, what):
    if not good:
        print('self-test: ' + what)
    return good


def self_test_symbols(folder):
    for path, text in LINKED.items():
        made = '%s/obj/%s' % (folder, path)
        os.makedirs(os.path.dirname(made), exist_ok=True)
        with open(made, 'w', encoding='utf-8') as file:
            file.write(text + '\n')
        subprocess.run([os.environ.get('CC', 'cc'), '-c', made, '-o', made[:-2] + '.o'], check=True)
    os.makedirs(folder + '/bin')
    for program in ('assay-build', 'assay-lock'):
        subprocess.run(['cp', folder + '/obj/net/http/http.o', '%s/bin/%s' % (folder, program)], check=True)
    subprocess.run(['cp', folder + '/obj/builder/steps/encode_one.o', folder + '/bin/assay-plan'], check=True)
    found = list(check(LINKED, folder))
    good = True
    for begin in ('formats/one/one.c:1: formats/one/ needs two of formats/two/two.c',
                  'formats/two/two.c:1: formats/two/ needs one of formats/one/one.c',
                  'builder/steps/step.c:1: builder/steps/ needs http of net/http/http.c',
                  'circle: formats/one -> formats/two',
                  folder + '/bin/assay-build:1: ', folder + '/bin/assay-plan:1: '):
        good &= expect(any(line.startswith(begin) for line in found), 'no complaint that begins "%s"' % begin)
    good &= expect(len(found) == 6, 'complaints about symbols that nobody planted: %s' % found)
    missing = list(check({'base/gone.c': ''}, folder))
    return good & expect('base/gone.c:1: has no object' in missing[0], 'no word of an object that is missing')


def self_test():
    found = list(check(FINE))
    good = expect(not found, 'complains about what is fine: %s' % found)
    for row in PLANTED:
        path, text = row.split('|', 1)
        found = list(check({**FINE, path: text + '\n'}))
        good &= expect(any(line.startswith(path + ':1: ') for line in found), 'does not notice in ' + row)
    found = list(check(CIRCLE))
    good &= expect(sum(line.startswith('circle: ') for line in found) == 1, 'one circle: %s' % found)
    with tempfile.TemporaryDirectory(prefix='assay-floors.') as folder:
        good &= self_test_symbols(folder)
    return good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--objects')
    parser.add_argument('directory', nargs='?', default=os.path.join(os.path.dirname(os.path.abspath(__file__)), '../..'))
    options = parser.parse_args()
    build = options.objects and os.path.abspath(options.objects)
    if not self_test():
        return 1
    os.chdir(options.directory)
    found = list(check(read('.'), build))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
