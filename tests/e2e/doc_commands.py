#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every command in the pages is one that the programs take.

doc_commands.py BIN FILE...: for each `assay …` in code, whether the command, the command of the command and
every option exist, and whether options that need a value are given one. What is wrong is printed, and how many were looked at."""
import json
import re
import shlex
import subprocess
import sys

SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


def table(program):
    return json.loads(subprocess.run([program, "--help-json"], capture_output=True, check=True, text=True).stdout)


# First lines of formats: "assay lock v1", "assay-tree 1", "assay-blocks/1".
MAGIC = re.compile(r"assay[ -][a-z ]+[ /]v?1$")


def commands_of(text):
    """Code spans and lines of code blocks that begin with `assay`, with the page's line."""
    fenced, last_blank, block, joined = False, True, False, ""
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("```"):
            fenced = not fenced
            continue
        block = not fenced and line.startswith("    ") and (last_blank or block)
        last_blank = not line.strip()
        if fenced or block:
            joined += line.strip()
            if joined.endswith("\\"):
                joined = joined[:-1]
                continue
            quoted = MAGIC.match(joined) or re.match(r"assay-[a-z]+: ", joined)
            if re.match(r"(\$ )?assay[ -][a-z]", joined) and not quoted:
                yield number, joined.removeprefix("$ ")
            joined = ""
        else:
            for span in SPAN.findall(line):
                if re.match(r"assay[ -][a-z]", span) and not MAGIC.match(span):
                    yield number, span


def words_of(command):
    command = command.replace("…", " ").replace("'s", " ")
    try:
        words = shlex.split(command, comments=True)
    except ValueError:
        words = command.split()
    for i, word in enumerate(words):
        if word in ("|", "&&", ";", ">", "<", "||") or word.startswith(">"):
            return words[:i]
    return words


def check(words, programs):
    if words[0] == "assay":
        words = words[1:]
    elif words[0].startswith("assay-"):
        words = [words[0].removeprefix("assay-")] + words[1:]
    while words and words[0] in ("-v", "-q", "--json", "--help", "--version", "help"):
        words = words[1:]
    if not words or words[0].isupper() or words[0] == "X":
        return None
    if words[0] not in programs:
        return f"no command '{words[0]}'"
    program, words = programs[words[0]], words[1:]
    options, commands = program["options"], program["commands"]
    if commands[0].get("name") is None:
        options = options + commands[0]["options"]
    elif words and not words[0].startswith("-") and not words[0].isupper():
        found = [c for c in commands if c["name"] == words[0]]
        if not found:
            return f"no command '{words[0]}' of it"
        options, words = options + found[0]["options"], words[1:]
    else:
        options = options + [o for c in commands for o in c["options"]]
    by_name = {"--" + o["name"]: o for o in options} | {"-" + o["letter"]: o for o in options if "letter" in o}
    i = 0
    while i < len(words):
        word = words[i]
        if word == "--":
            break
        if word.startswith("-") and len(word) > 1:
            name = word.split("=")[0]
            if not word.startswith("--") and len(word) > 2:
                name = word[:2]
            if name not in by_name:
                return f"no option '{name}'"
            if by_name[name]["kind"] != "flag" and "=" not in word and name == word:
                i += 1
        i += 1
    return None


def main():
    bindir, files = sys.argv[1], sys.argv[2:]
    front = table(f"{bindir}/assay")
    programs = {c["name"]: table(f"{bindir}/assay-{c['name']}") for c in front["commands"]}
    count = 0
    for path in files:
        with open(path, encoding="utf-8") as f:
            for number, command in commands_of(f.read()):
                words = words_of(command)
                count += 1
                wrong = check(words, programs) if words else None
                if wrong:
                    print(f"{path}:{number}: {command}: {wrong}")
    print(f"{count} commands")


main()
