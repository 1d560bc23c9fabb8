# SPDX-License-Identifier: Apache-2.0
"""Assay and mmdebstrap on the same packages: time, memory, and whether the trees hold the same files.

Started by debian.sh. Exits with 1 when they do not, whatever the figures.
"""

import argparse
import hashlib
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tarfile
import time

GOAL_WALL = 0.5
GOAL_MEMORY = 64


def archive(options, plan):
    """A flat archive of the plan's packages, by links into the store; the names of the packages."""
    pool = f"{options.dir}/archive"
    shutil.rmtree(pool, ignore_errors=True)
    os.makedirs(pool)
    names, index = [], []
    for item in plan["inputs"]:
        blob = f"{options.dir}/store/blobs/sha256/{item['digest'][7:]}"
        origin = item["from"]["debian"]
        name = f"{origin['package']}_{origin['version'].replace(':', '%3a')}_{origin['architecture']}.deb"
        os.link(blob, f"{pool}/{name}")
        control = subprocess.run(["dpkg-deb", "-f", blob], check=True, capture_output=True, text=True).stdout
        index.append(control.rstrip("\n") + f"\nFilename: ./{name}\nSize: {item['size']}\nSHA256: {item['digest'][7:]}\n")
        names.append(origin["package"])
    with open(f"{pool}/Packages", "w", encoding="utf-8") as file:
        file.write("\n".join(index))
    return os.path.abspath(pool), names


def processor_time():
    """(busy, idle) of all processors since boot, in seconds."""
    with open("/proc/stat", encoding="ascii") as file:
        ticks = [int(field) / os.sysconf("SC_CLK_TCK") for field in file.readline().split()[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, idle


def wait_idle(limit):
    """Until nobody else uses the machine for half a second, or `limit` seconds."""
    until = time.monotonic() + limit
    while time.monotonic() < until:
        busy, idle = processor_time()
        time.sleep(0.5)
        busy_then, idle_then = processor_time()
        if idle_then - idle > 0.9 * (busy_then - busy + idle_then - idle):
            return


def measure(command, output):
    """(wall s, CPU s, peak KiB of its largest process, CPU s of others meanwhile)"""
    if os.path.exists(output):
        os.unlink(output)
    busy, _ = processor_time()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    done = subprocess.run(["/usr/bin/time", "-f", "peak %M"] + command, capture_output=True, text=True)
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"bench: {command[0]} failed ({done.returncode}): {done.stderr[-2000:]}")
    peak = int(re.search(r"^peak (\d+)$", done.stderr, re.M).group(1))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, peak, max(0.0, processor_time()[0] - busy - cpu)


def files(tar):
    """What both must agree on: the packages' programs, libraries and data. Other places have what each adds."""
    found = {}
    with tarfile.open(tar) as entries:
        for m in entries:
            name = re.sub(r"^\./", "", m.name)
            if name.startswith("usr/") and m.isreg():
                found[name] = m.mode, m.uid, m.gid, m.mtime, hashlib.sha256(entries.extractfile(m).read()).hexdigest()
            elif name.startswith("usr/") and m.issym():
                found[name] = m.linkname
    return found


def main():
    parser = argparse.ArgumentParser()
    for name in ("bin", "dir", "suite"):
        parser.add_argument("--" + name, required=True)
    for name in ("runs", "threads", "wait"):
        parser.add_argument("--" + name, type=int, required=True)
    options = parser.parse_args()
    with open(f"{options.dir}/minbase.plan.json", encoding="utf-8") as file:
        plan = json.load(file)
    pool, names = archive(options, plan)
    store = f"{options.dir}/store"
    outputs = {"assay": f"{options.dir}/out/minbase.tar", "mmdebstrap": f"{options.dir}/mmdebstrap.tar"}
    commands = {
        "assay": [f"{options.bin}/assay", "build", f"{options.dir}/minbase.plan.json", "-q", "--no-cache"]
        + ["-j", str(options.threads), "--only", "minbase.tar", "--store", store, "-o", f"{options.dir}/out"],
        "mmdebstrap": ["mmdebstrap", "--quiet", "--variant=extract", "--format=tar", "--include=" + ",".join(names)]
        + [options.suite, outputs["mmdebstrap"], f"deb [trusted=yes] copy:{pool} ./"],
    }
    for name in os.listdir(pool):
        with open(f"{pool}/{name}", "rb") as file:
            while file.read(1 << 20):
                pass
    rows = {name: [] for name in commands}
    for turn in range(options.runs):
        for name in sorted(commands, reverse=turn % 2 == 1):
            # What the run before wrote must not be in the store: writing it is part of the work.
            subprocess.run([f"{options.bin}/assay", "store", "gc", "-q", "--store", store], check=True)
            wait_idle(options.wait)
            rows[name].append(measure(commands[name], outputs[name]))
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    report(options, plan, rows, outputs)


def report(options, plan, rows, outputs):
    size = sum(item["size"] for item in plan["inputs"]) / 1e6
    print(f"{len(plan['inputs'])} packages, {size:.1f} MB, into a tar of {os.stat(outputs['assay']).st_size / 1e6:.1f} MB; "
          f"{options.threads} threads, best of {options.runs}")
    print(f"{'':12}{'wall s':>8}{'median':>8}{'CPU s':>8}{'peak MiB':>10}   Assay ÷ it: wall   CPU")
    figures = {}
    for name, tries in rows.items():
        figures[name] = {
            "wall": min(t[0] for t in tries),
            "wallMedian": statistics.median(t[0] for t in tries),
            "cpu": min(t[1] for t in tries),
            "peakMiB": max(t[2] for t in tries) / 1024,
            "othersCpu": min(tries)[3],
        }
    ours = figures["assay"]
    for name, f in figures.items():
        ratio = f"{'':14}{ours['wall'] / f['wall']:8.3f}{ours['cpu'] / f['cpu']:7.3f}" if name != "assay" else ""
        print(f"{name:12}{f['wall']:8.2f}{f['wallMedian']:8.2f}{f['cpu']:8.2f}{f['peakMiB']:10.1f}{ratio}")
        if f["othersCpu"] > 0.1 * f["wall"]:
            print(f"the machine was not idle: others used {f['othersCpu']:.1f} CPU s during the best run of {name}")
    ratio = ours["wall"] / figures["mmdebstrap"]["wall"]
    print(f"goal: at most {GOAL_WALL} of mmdebstrap's wall time: {'met' if ratio <= GOAL_WALL else 'MISSED'}, {ratio:.3f}; "
          f"peak memory under {GOAL_MEMORY} MiB: {'met' if ours['peakMiB'] < GOAL_MEMORY else 'MISSED'}")
    with open(f"{options.dir}/results.json", "w", encoding="ascii") as file:
        json.dump(figures, file, indent=2)
    mine, theirs = files(outputs["assay"]), files(outputs["mmdebstrap"])
    odd = [name for name in sorted(set(mine) | set(theirs)) if mine.get(name) != theirs.get(name)]
    if odd or not mine:
        print(f"CONTENT DIFFERS in {len(odd)} paths of usr: {', '.join(odd[:6])}")
        sys.exit(1)
    print(f"same content: {len(mine)} files and links of usr, with modes, owners and times")


main()
