# SPDX-License-Identifier: Apache-2.0
"""What is written about the tree is true of it: READMEs, pages of formats, links, citations; and sizes.

    papers.py [DIRECTORY]

- README: every folder of a floor, and the others named below, has a README.md whose table "| file |" lists
  exactly its files and whose table "| room |" lists exactly its folders.
- programs: the table "| program |" of docs/architecture.md lists exactly what the floors' module.mk build.
- pages: formats/X/ has docs/formats/X.md and tests/unit/formats/X/test_*.c; tests/unit/ mirrors the floors.
- links: every relative link of a Markdown file resolves, anchors too; so does every `path/of/ours` that one names.
- citations: a page that a comment cites exists, and has the section or heading that is cited.
- openings: a header, and a .c without a header of its name, begins with a comment that says what it is for.
- sizes: no source file has more than 700 lines.

It first proves, on planted trees, that each of these can fail. Prints "file:line: what is wrong"; exits 1 when
anything is.
"""
import fnmatch
import os
import re
import subprocess
import sys

FLOORS = ('base', 'attest', 'store', 'formats', 'net', 'builder', 'verifier', 'runner', 'service')
TESTS_LISTED = ('packaging', 'tests', 'tests/bench', 'tests/cross', 'tests/e2e', 'tests/fuzz', 'tests/helpers', 'tests/lint', 'tests/slow')
TOPS = FLOORS + ('docs', 'schemas', 'tests', 'examples', 'packaging')
MOST_LINES = 700
SOURCE = re.compile(r'(\.(c|h|py|sh|t|js|pl|mk)|(^|/)Makefile)$')
# Files that are one row each of a table, and named as the row is.
ROWS = re.compile(r'^verifier/explain/causes/[a-z0-9_]+\.c$')
# Decisions and changes speak of what was.
HISTORY = re.compile(r'^(docs/adr/|CHANGELOG\.md$)')

LINK = re.compile(r'\]\(([^()\s]+)\)')
FENCED = re.compile(r'^```(?s:.*?)^```$|^ {4}.*$', re.M)
HEADING = re.compile(r'^(#+) +(.*?) *$', re.M)
NAMED = re.compile(r'`((?:%s)/[A-Za-z0-9_./*-]*)`' % '|'.join(TOPS))
PLACEHOLDER = re.compile(r'(^service/|[/_](X|NAME)([/.]|$))')
CITED = re.compile(r'(?<![A-Za-z0-9_./-])((?:%s)/[a-z0-9_/-]*[A-Za-z0-9_-]+\.md)((?:,? (?:sections? |§)[0-9][0-9., §and-]*)|, "[^"]+")?'
                   % '|'.join(TOPS))
OUTSIDE = re.compile(r'\bspec(?:ification)? (?:[a-z-]+,? )?(?:sections?\b|§)')
COMMENT_BREAK = re.compile(r'\n[ \t]*(?:\*(?!/)|#|//)?[ \t]*')


def line_of(text, position):
    return text.count('\n', 0, position) + 1


def prose(markdown):
    """The text without code blocks, lines kept."""
    return FENCED.sub(lambda match: '\n' * match.group(0).count('\n'), markdown)


def slug(heading):
    """The anchor that readers of Markdown make of a heading."""
    words = re.sub(r'`|\*|\[([^\]]*)\]\([^)]*\)', r'\1', heading).lower()
    return re.sub(r'[^\w\- ]', '', words).replace(' ', '-')


def headings(markdown):
    return [match.group(2) for match in HEADING.finditer(prose(markdown))]


class Tree:
    """The files of the repository: path -> text."""

    def __init__(self, files):
        self.files = dict(files)
        self.folders = {}
        for path in self.files:
            while '/' in path:
                folder, name = path.rsplit('/', 1)
                self.folders.setdefault(folder, set()).add(name + ('' if path in self.files else '/'))
                path = folder
            self.folders.setdefault('', set()).add(path + ('' if path in self.files else '/'))

    def has(self, path):
        path = os.path.normpath(path)
        if '*' in path:
            return any(fnmatch.fnmatchcase(name, path) for name in self.files)
        return path in self.files or path in self.folders or path == '.'

    def of(self, pattern):
        return [(path, text) for path, text in self.files.items() if pattern.search(path)]


def listed(markdown, kind):
    """The names in the first cells of the tables whose first column is called `kind`, with their lines."""
    names, inside = [], False
    for number, line in enumerate(markdown.splitlines(), 1):
        if not line.startswith('|'):
            inside = False
            continue
        first = line.strip('|').split('|')[0]
        if re.fullmatch(r' *%s *' % kind, first):
            inside = True
        elif inside:
            names += [(name, number) for name in re.findall(r'`([^`]+)`', first)]
    return names


def check_readme(tree, folder):
    readme = folder + '/README.md'
    if readme not in tree.files:
        yield '%s:1: is missing: each folder says what lives there, and what may not' % readme
        return
    text = tree.files[readme]
    there = tree.folders[folder] - {'README.md'}
    for kind, names in (('file', {name for name in there if name[-1] != '/'}),
                        ('room', {name for name in there if name[-1] == '/'})):
        rows = listed(text, kind)
        told = set()
        for name, line in rows:
            of_row = {other for other in names if fnmatch.fnmatchcase(other, name)}
            if not of_row:
                yield '%s:%d: lists `%s`, which is not there' % (readme, line, name)
            if of_row & told and '*' not in name:
                yield '%s:%d: lists `%s` twice' % (readme, line, name)
            told |= of_row
        for name in sorted(names - told):
            yield '%s:1: its table "| %s |" does not list `%s`' % (readme, kind, name)


def check_readmes(tree):
    for folder in sorted(tree.folders):
        if folder.split('/')[0] in FLOORS or folder in TESTS_LISTED:
            yield from check_readme(tree, folder)


def check_programs(tree):
    page = 'docs/architecture.md'
    built = {name for path, text in tree.of(re.compile(r'(^|/)module\.mk$'))
             for names in re.findall(r'^PROGRAMS \+= (.*)$', text, re.M) for name in names.split()}
    rows = listed(tree.files.get(page, ''), 'program')
    for name, line in rows:
        if name not in built:
            yield '%s:%d: lists the program `%s`, which nobody builds' % (page, line, name)
    for name in sorted(built - {name for name, _ in rows}):
        yield '%s:1: its table "| program |" does not list `%s`' % (page, name)


def check_pages(tree):
    for folder in sorted(tree.folders):
        parts = folder.split('/')
        if parts[0] == 'formats' and len(parts) == 2:
            page = 'docs/formats/%s.md' % parts[1]
            tests = tree.folders.get('tests/unit/' + folder, ())
            if page not in tree.files:
                yield '%s:1: has no page %s' % (folder, page)
            if not any(fnmatch.fnmatchcase(name, 'test_*.c') for name in tests):
                yield '%s:1: has no tests/unit/%s/test_*.c' % (folder, folder)
        if folder.startswith('tests/unit/') and folder[len('tests/unit/'):] not in tree.folders:
            yield '%s:1: tests a folder that is not there' % folder


def check_links(tree):
    for path, text in tree.of(re.compile(r'\.md$')):
        text = prose(text)
        for match in LINK.finditer(text):
            target, _, anchor = match.group(1).partition('#')
            if re.match(r'[a-z]+:', target):
                continue
            where = '%s:%d' % (path, line_of(text, match.start()))
            page = os.path.normpath(os.path.join(os.path.dirname(path), target)) if target else path
            if not tree.has(page):
                yield '%s: the link %s leads nowhere' % (where, match.group(1))
            elif anchor and page in tree.files and anchor not in map(slug, headings(tree.files[page])):
                yield '%s: the link %s names no heading of %s' % (where, match.group(1), page)
        if HISTORY.match(path):
            continue
        for match in NAMED.finditer(text):
            if not (PLACEHOLDER.search(match.group(1)) or tree.has(match.group(1))):
                yield '%s:%d: names `%s`, which is not there' % (path, line_of(text, match.start()), match.group(1))


def check_citation(tree, page, what):
    """Why a citation is wrong; None when it is not."""
    if page not in tree.files:
        return 'cites %s, which is not there' % page
    titles = headings(tree.files[page])
    if what.startswith(', "'):
        return None if what[3:-1] in titles else 'cites %s, which has no heading "%s"' % (page, what[3:-1])
    for number in re.findall(r'[0-9]+(?:\.[0-9]+)*', what):
        if not any(re.match(re.escape(number) + r'\.?( |$)', title) for title in titles):
            return 'cites %s, which has no section %s' % (page, number)
    return None


def check_citations(tree):
    for path, text in tree.of(re.compile(SOURCE.pattern + r'|\.md$')):
        if path.startswith('tests/lint/') or HISTORY.match(path):
            continue
        breaks = []

        def join(match):
            breaks.append(match.start())
            return ' ' + '\0' * (len(match.group(0)) - 1)

        flat = COMMENT_BREAK.sub(join, text)
        kept = [index for index, c in enumerate(flat) if c != '\0']
        flat = flat.replace('\0', '')
        for pattern in (OUTSIDE,) if path.endswith('.md') else (CITED, OUTSIDE):
            for match in pattern.finditer(flat):
                why = ('cites a section of a page that is nowhere in the repository' if pattern is OUTSIDE
                       else check_citation(tree, match.group(1), match.group(2) or ''))
                if why:
                    yield '%s:%d: %s' % (path, line_of(text, kept[match.start()]), why)


def check_openings(tree):
    for path, text in tree.of(re.compile(r'^(?!tests/).*\.[ch]$')):
        if ROWS.match(path) or (path.endswith('.c') and path[:-1] + 'h' in tree.files):
            continue
        lines = text.split('\n', 2)
        opening = lines[1] if lines[0].startswith('/* SPDX') and len(lines) > 1 else lines[0]
        if not opening.startswith('/*'):
            yield '%s:2: does not begin with what it is for' % path


def check_sizes(tree):
    for path, text in tree.of(SOURCE):
        lines = text.count('\n')
        if lines > MOST_LINES:
            yield '%s:%d: has %d lines, which is more than %d' % (path, MOST_LINES + 1, lines, MOST_LINES)


CHECKS = (check_readmes, check_programs, check_pages, check_links, check_citations, check_openings, check_sizes)


def check(files):
    tree = Tree(files)
    for one in CHECKS:
        yield from one(tree)


def names_of_files():
    if os.path.isdir('.git'):
        out = subprocess.run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
                             capture_output=True, check=True).stdout
        return [os.fsdecode(name) for name in out.split(b'\0') if name]
    names = []
    for folder, folders, files in os.walk('.'):
        folders[:] = [name for name in folders if name not in ('build', 'node_modules', '__pycache__')]
        names += [os.path.relpath(os.path.join(folder, name), '.') for name in files]
    return names


def read():
    files = {}
    for path in sorted(names_of_files()):
        if not os.path.isfile(path):
            continue
        files[path] = ''
        if SOURCE.search(path) or path.endswith('.md'):
            with open(path, encoding='utf-8') as file:
                files[path] = file.read()
    return files


# ---- does it notice? ----

FINE = {
    'Makefile': 'all:\n',
    'README.md': '# Us\n\n[page](docs/formats/one.md#1-first), [web](https://example.org/x.md), `formats/one/*.c`\n',
    'docs/formats/one.md': '# One\n\n## 1. First\n\n## Second `thing`\n\n[up](../../README.md) [here](#second-thing)\n\n    [no](link.md)\n',
    'docs/architecture.md': '| program | folder |\n|---|---|\n| `one`, `two` | x |\n',
    'formats/module.mk': 'x := y\nPROGRAMS += one two\n',
    'docs/adr/0001.md': '# 1\n\n`builder/old/`\n',
    'formats/README.md': '| room | what |\n|---|---|\n| `one/` | first |\n\n| file | what |\n|---|---|\n| `module.mk` | x |\n',
    'formats/one/README.md': '| file | what |\n|---|---|\n| `one.c`, `one.h` | x |\n| `more.c` | y |\n\n| key | z |\n|---|---|\n| `other` | |\n',
    'formats/one/one.h': '/* SPDX */\n/*\n * What docs/formats/one.md, section\n * 1 says; docs/formats/one.md, "Second `thing`".\n */\nint one;\n',
    'formats/one/one.c': '/* SPDX */\n#include "formats/one/one.h"\n',
    'formats/one/more.c': '/* SPDX */\n/* More of it: a specification of ours. */\n',
    'tests/unit/formats/one/test_one.c': '/* SPDX */\n' + '\n' * (MOST_LINES - 1),
    'tests/README.md': '| room | what |\n|---|---|\n| `unit/` | x |\n| `fuzz/` | x |\n',
    'tests/fuzz/README.md': '| file | what |\n|---|---|\n| `fuzz_*.c` | x |\n',
    'tests/fuzz/fuzz_a.c': '',
    'tests/fuzz/fuzz_b.c': '',
}

# What is changed (None: taken away), and what must be said of it.
PLANTED = (
    ({'formats/one/README.md': None}, 'formats/one/README.md:1: is missing'),
    ({'formats/one/new.c': '/* SPDX */\n/* New. */\n'}, 'formats/one/README.md:1: its table "| file |" does not list `new.c`'),
    ({'formats/one/more.c': None}, 'formats/one/README.md:4: lists `more.c`, which is not there'),
    ({'formats/one/README.md': FINE['formats/one/README.md'].replace('y |', 'y |\n| `one.c` | z |')},
     'formats/one/README.md:5: lists `one.c` twice'),
    ({'formats/one/deep/x.c': '/* SPDX */\n/* X. */\n'}, 'formats/one/README.md:1: its table "| room |" does not list `deep/`'),
    ({'formats/one/deep/x.c': '/* SPDX */\n/* X. */\n'}, 'formats/one/deep/README.md:1: is missing'),
    ({'tests/fuzz/run.sh': ''}, 'tests/fuzz/README.md:1: its table "| file |" does not list `run.sh`'),
    ({'formats/module.mk': 'PROGRAMS += one\n'}, 'docs/architecture.md:3: lists the program `two`, which nobody builds'),
    ({'formats/module.mk': 'PROGRAMS += one two three\n'}, 'docs/architecture.md:1: its table "| program |" does not list `three`'),
    ({'docs/formats/one.md': None}, 'formats/one:1: has no page docs/formats/one.md'),
    ({'tests/unit/formats/one/test_one.c': None, 'tests/unit/formats/one/common.h': ''}, 'formats/one:1: has no tests/unit/formats/one/test_*.c'),
    ({'tests/unit/formats/two/test_two.c': ''}, 'tests/unit/formats/two:1: tests a folder that is not there'),
    ({'README.md': 'x\n[page](docs/formats/two.md)\n'}, 'README.md:2: the link docs/formats/two.md leads nowhere'),
    ({'README.md': 'x\n[page](docs/formats/one.md#2-second)\n'}, 'README.md:2: the link docs/formats/one.md#2-second names no heading'),
    ({'docs/formats/one.md': '## 1. First\n\n## Second `thing`\n[page](two.md)\n'}, 'docs/formats/one.md:4: the link two.md leads nowhere'),
    ({'README.md': 'x\n`formats/one/gone.c`\n'}, 'README.md:2: names `formats/one/gone.c`'),
    ({'README.md': 'x\n`formats/two/`\n'}, 'README.md:2: names `formats/two/`'),
    ({'formats/one/more.c': '/* SPDX */\n/* See\n * docs/formats/two.md. */\n'}, 'formats/one/more.c:3: cites docs/formats/two.md, which is not there'),
    ({'formats/one/more.c': '/* SPDX */\n/* docs/formats/one.md, sections 1\n * and 2.1. */\n'},
     'formats/one/more.c:2: cites docs/formats/one.md, which has no section 2.1'),
    ({'formats/one/more.c': '/* SPDX */\n/* docs/formats/one.md, "Third" */\n'}, 'formats/one/more.c:2: cites docs/formats/one.md, which has no heading "Third"'),
    ({'Makefile': '# docs/two.md\n'}, 'Makefile:1: cites docs/two.md'),
    ({'formats/one/more.c': '/* SPDX */\n/* More (spec one\n * section 2). */\n'}, 'formats/one/more.c:2: cites a section of a page that is nowhere'),
    ({'formats/one/more.c': '/* SPDX */\n/* More (spec §2). */\n'}, 'formats/one/more.c:2: cites a section of a page that is nowhere'),
    ({'README.md': 'x\nas spec one §2 has it\n'}, 'README.md:2: cites a section of a page that is nowhere'),
    ({'formats/one/one.h': '/* SPDX */\nint one;\n'}, 'formats/one/one.h:2: does not begin with what it is for'),
    ({'formats/one/more.c': '/* SPDX */\n#include <stdio.h>\n'}, 'formats/one/more.c:2: does not begin with what it is for'),
    ({'tests/unit/formats/one/test_one.c': '\n' * (MOST_LINES + 1)}, 'tests/unit/formats/one/test_one.c:701: has 701 lines'),
)


def self_test():
    found = list(check(FINE))
    good = not found
    if found:
        print('self-test: complains about what is fine: %s' % found)
    for changes, said in PLANTED:
        files = {path: text for path, text in {**FINE, **changes}.items() if text is not None}
        found = list(check(files))
        if not any(line.startswith(said) for line in found):
            print('self-test: nobody says "%s": %s' % (said, found))
            good = False
    return good


def main():
    if not self_test():
        return 1
    os.chdir(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), '../..'))
    found = list(check(read()))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
