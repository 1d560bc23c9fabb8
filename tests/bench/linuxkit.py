# SPDX-License-Identifier: Apache-2.0
"""A LinuxKit file to tar and squashfs against the floor of what others need, and rebuilt after a small change.

Started by linuxkit.sh. Exits with 1 when what is built does not hold the same files, whatever the figures.
"""

import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import time

SYSTEM = """init: [bench/init:v1]
services:
  - name: service
    image: bench/service:v1
files:
  - path: etc/motd
    contents: %s
"""
RECIPE = """name: strict
arch: amd64
epoch: 2000000000
system: {file: %s}
artifacts:
  - tar
  - squashfs: {compressor: %s, level: %s}
"""


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


def measure(options, command):
    """(wall s, CPU s, peak MiB, CPU s of others meanwhile)"""
    wait_idle(options.wait)
    busy, _ = processor_time()
    before = os.times()
    started = time.monotonic()
    figures = f"{options.dir}/time"
    done = subprocess.run(["/usr/bin/time", "-f", "%M", "-o", figures] + command, capture_output=True, text=True)
    wall = time.monotonic() - started
    after = os.times()
    if done.returncode != 0:
        sys.exit(f"bench: {command[0]} failed ({done.returncode}): {done.stderr[-2000:]}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    with open(figures, encoding="ascii") as file:
        peak = int(file.read().split()[-1]) / 1024
    return wall, cpu, peak, max(0.0, processor_time()[0] - busy - cpu)


def assay(options, *arguments):
    subprocess.run([f"{options.bin}/assay", *arguments, "-q"], check=True, stderr=subprocess.DEVNULL)


def prepare(options):
    """The plans: compat and strict, each with one entry of `files:` this way and that."""
    compressor, level = options.case.split(":")
    for word in ("one", "two"):
        with open(f"{options.dir}/{word}.yml", "w", encoding="ascii") as file:
            file.write(SYSTEM % word)
        with open(f"{options.dir}/strict-{word}.yml", "w", encoding="ascii") as file:
            file.write(RECIPE % (f"{word}.yml", compressor, level))
        common = ["--images", f"{options.dir}/layout", "--store", options.store]
        assay(options, "lock", f"{options.dir}/{word}.yml", "--compat", "linuxkit", *common, "-o", f"{options.dir}/compat-{word}.json", "--name", "compat")
        assay(options, "lock", f"{options.dir}/strict-{word}.yml", *common, "-o", f"{options.dir}/strict-{word}.json")


def layers(options):
    with open(f"{options.dir}/compat-one.json", encoding="utf-8") as file:
        plan = json.load(file)
    return [f"{options.store}/blobs/sha256/{i['digest'][7:]}" for i in plan["inputs"] if i["from"]["oci"]["role"] == "layer"]


def forget(options):
    """What runs before have left: only the inputs of the plans stay in the store."""
    assay(options, "store", "gc", "--store", options.store)


def build(options, plan, only=None, cache=False):
    command = [f"{options.bin}/assay", "build", f"{options.dir}/{plan}.json", "-q", "--store", options.store]
    command += ["-o", f"{options.dir}/out", "-j", str(options.threads)]
    return command + (["--only", only] if only else []) + ([] if cache else ["--no-cache"])


def rebuild(options, name, only):
    """Cold, without any cache, then the other word with what the first left in the cache."""
    work = f"{options.dir}/work"
    shutil.rmtree(work, ignore_errors=True)
    cold = measure(options, build(options, f"{name}-one", only, True) + ["--work", work])
    warm = measure(options, build(options, f"{name}-two", only, True) + ["--work", work])
    shutil.rmtree(work, ignore_errors=True)
    return cold, warm


def contents(tar):
    """The digests of all files of a tar, the last of a name."""
    found = {}
    with tarfile.open(tar) as entries:
        for m in entries:
            if m.isreg():
                found[m.name.lstrip("./")] = hashlib.sha256(entries.extractfile(m).read()).hexdigest()
    return found


def unpack(options):
    """The root file system that mksquashfs reads."""
    tree = f"{options.dir}/tree"
    if not os.path.exists(tree + ".done"):
        shutil.rmtree(tree, ignore_errors=True)
        os.makedirs(tree)
        subprocess.run(["tar", "-C", tree, "--delay-directory-restore", "-xpf", f"{options.dir}/out/strict.tar"], check=True, stderr=subprocess.DEVNULL)
        open(tree + ".done", "w").close()
    return tree


def show(name, tries, floor=None, goal=None):
    wall = min(t[0] for t in tries)
    cpu = min(t[1] for t in tries)
    line = f"{name:34}{wall:8.2f}{statistics.median(t[0] for t in tries):8.2f}{cpu:8.2f}{max(t[2] for t in tries):8.1f}"
    result = {"wall": wall, "cpu": cpu}
    if floor:
        result |= {"wallRatio": wall / min(t[0] for t in floor), "cpuRatio": cpu / min(t[1] for t in floor)}
        verdict = "met" if result["wallRatio"] <= goal else "MISSED"
        line += f"{result['wallRatio']:9.3f}{result['cpuRatio']:8.3f}   {verdict} ({goal:.2f})"
    print(line)
    best = min(tries)
    if best[3] > 0.1 * best[0]:
        print(f"    the machine was not idle: others used {best[3]:.1f} CPU s during the best run")
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("bin", "dir", "case"):
        parser.add_argument("--" + name, required=True)
    for name in ("runs", "threads", "wait"):
        parser.add_argument("--" + name, type=int, required=True)
    options = parser.parse_args()
    options.store = f"{options.dir}/store"
    prepare(options)
    compressor, level = options.case.split(":")
    files = layers(options)
    for path in files:
        with open(path, "rb") as file:
            while file.read(1 << 20):
                pass
    assay(options, "build", f"{options.dir}/strict-one.json", "--no-cache", "--only", "strict.tar", "--store", options.store, "-o", f"{options.dir}/out")
    tree = unpack(options)
    quoted = " ".join(f"'{path}'" for path in files)
    squashed = ["mksquashfs", tree, f"{options.dir}/peer.squashfs", "-reproducible", "-noappend", "-no-progress", "-quiet", "-mkfs-time", "0"]
    squashed += ["-comp", compressor, "-Xcompression-level", level, "-b", "131072", "-processors", str(options.threads)]
    rows = {name: [] for name in ("cat", "compat", "tar", "mksquashfs", "squashfs")}
    cycles = {name: [] for name in ("compat", "tar", "squashfs", "both")}
    for _ in range(options.runs):
        rows["cat"].append(measure(options, ["sh", "-c", f"cat {quoted} | gzip -dc >'{options.dir}/cat.out'"]))
        forget(options)
        rows["compat"].append(measure(options, build(options, "compat-one", "compat.tar")))
        forget(options)
        rows["tar"].append(measure(options, build(options, "strict-one", "strict.tar")))
        rows["mksquashfs"].append(measure(options, squashed))
        forget(options)
        rows["squashfs"].append(measure(options, build(options, "strict-one", "strict.squashfs")))
        cycles["compat"].append(rebuild(options, "compat", "compat.tar"))
        cycles["tar"].append(rebuild(options, "strict", "strict.tar"))
        cycles["squashfs"].append(rebuild(options, "strict", "strict.squashfs"))
        cycles["both"].append(rebuild(options, "strict", None))
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    size = os.stat(f"{options.dir}/cat.out").st_size / 1e6
    print(f"{size:.0f} MB in {len(files)} layers, squashfs {options.case}, {options.threads} threads, best of {options.runs}")
    print(f"{'':34}{'wall s':>8}{'median':>8}{'CPU s':>8}{'MiB':>8}{'÷ wall':>9}{'÷ CPU':>8}")
    results = {"cat": show("cat of the layers | gzip -dc", rows["cat"])}
    results["compat"] = show("LinuxKit's tar (compat)", rows["compat"], rows["cat"], 1.2)
    results["tar"] = show("tar (strict)", rows["tar"], rows["cat"], 1.2)
    results["mksquashfs"] = show("mksquashfs of the directory", rows["mksquashfs"])
    results["squashfs"] = show("squashfs (strict)", rows["squashfs"], rows["mksquashfs"], 1.0)
    for name, tries in cycles.items():
        show(f"{name}: cold, filling the cache", [t[0] for t in tries])
        results[f"rebuild {name}"] = show(f"{name}: one file changed", [t[1] for t in tries], [t[0] for t in tries], 1 / 3)
    with open(f"{options.dir}/results.json", "w", encoding="ascii") as file:
        json.dump(results, file, indent=2)
    for name, output in (("compat-one", "compat.tar"), ("strict-one", "strict.tar")):
        assay(options, "build", f"{options.dir}/{name}.json", "--store", options.store, "-o", f"{options.dir}/out", "--only", output)
    compat, strict = contents(f"{options.dir}/out/compat.tar"), contents(f"{options.dir}/out/strict.tar")
    if not compat or compat != strict:
        print(f"CONTENT DIFFERS: {sorted(set(compat.items()) ^ set(strict.items()))[:6]}")
        sys.exit(1)
    print(f"same content in both tars: {len(compat)} files hashed")


main()
