# SPDX-License-Identifier: Apache-2.0
"""Assay and its peers on one tar: time, memory, size, and whether the images hold the same.

Started by run.sh. Exits with 1 when an image's content differs from its peers', whatever the figures.
"""

import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

BLOCK = 131072
BASE = "https://assay.example/"


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return "sha256:" + digest.hexdigest()


def toolchain(binaries):
    """What this Assay says it is made of: a plan must name just that."""
    told = subprocess.run(
        [f"{binaries}/assay", "plan", "toolchain", "--json"], check=True, capture_output=True
    ).stdout
    return json.loads(told)


def canonical(document):
    """RFC 8785 for what is in here: ASCII keys, strings, small integers."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def make_plan(case, tar, versions, path):
    """The plan of one image: the tar as a layer, then squashfs."""
    compressor, level = case
    squashfs = {
        "compressor": compressor,
        "level": level,
        "blockSize": BLOCK,
        "fragments": True,
        "exports": True,
        "xattrs": True,
        "time": 0,
        "exclude": [],
    }
    layers = {
        "layers": [{"form": "tar", "compression": "none"}],
        "include": [],
        "exclude": [],
        "place": [],
        "usrMerged": False,
        "clamp": 2**32 - 1,
    }
    plan = {
        "type": BASE + "plan/v1",
        "name": "bench",
        "arch": "amd64",
        "epoch": 0,
        "recipe": {},
        "toolchain": versions,
        "inputs": [
            {
                "id": "rootfs",
                "kind": "blob",
                "digest": sha256(tar),
                "size": os.stat(tar).st_size,
                "from": {"file": {"name": os.path.basename(tar)}},
            }
        ],
        "steps": [
            {"id": "tree", "kind": "tree.layers", "in": ["rootfs"], "params": layers},
            {"id": "image", "kind": "encode.squashfs", "in": ["tree"], "params": squashfs},
        ],
        "outputs": [
            {
                "name": "bench.squashfs",
                "from": "image",
                "mediaType": "application/vnd.assay.squashfs",
            }
        ],
    }
    with open(path, "wb") as file:
        file.write(canonical(plan))


def tools(case, options, plan):
    """name -> (command, standard input, the image it makes)"""
    compressor, level = case
    out = options.out
    threads = str(options.threads)
    mksquashfs = ["-reproducible", "-noappend", "-no-progress", "-quiet", "-mkfs-time", "0"]
    mksquashfs += ["-comp", compressor, "-Xcompression-level", str(level)]
    mksquashfs += ["-b", str(BLOCK), "-processors", threads]
    found = {
        "assay": (
            [f"{options.bin}/assay", "build", plan, "-q", "--no-cache", "-j", threads]
            + ["--only", "bench.squashfs", "--store", f"{out}/store", "-o", f"{out}/assay"],
            None,
            f"{out}/assay/bench.squashfs",
        ),
        "mksquashfs -tar": (
            ["mksquashfs", "-", f"{out}/mksquashfs-tar.squashfs", "-tar"] + mksquashfs,
            options.tar,
            f"{out}/mksquashfs-tar.squashfs",
        ),
        "tar2sqfs": (
            ["tar2sqfs", "-q", "-f", "-e", "-c", compressor, "-X", f"level={level}"]
            + ["-b", str(BLOCK), "-j", threads, f"{out}/tar2sqfs.squashfs"],
            options.tar,
            f"{out}/tar2sqfs.squashfs",
        ),
    }
    if options.tree:
        found["mksquashfs DIR"] = (
            ["mksquashfs", options.tree, f"{out}/mksquashfs-dir.squashfs"] + mksquashfs,
            None,
            f"{out}/mksquashfs-dir.squashfs",
        )
    return found


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


def measure(command, stdin, image):
    """(wall s, CPU s, peak KiB, CPU s of others meanwhile): GNU time's own figures of the one process."""
    if os.path.exists(image):
        os.unlink(image)
    figures = image + ".time"
    busy = processor_time()[0]
    os.makedirs(os.path.dirname(image), exist_ok=True)
    with open(stdin or os.devnull, "rb") as source, open(image + ".log", "wb") as log:
        done = subprocess.run(
            ["/usr/bin/time", "-f", "%e %U %S %M", "-o", figures] + command,
            stdin=source,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    if done.returncode != 0:
        with open(image + ".log", encoding="utf-8", errors="replace") as log:
            sys.exit(f"bench: {command[0]} failed ({done.returncode}): {log.read().strip()}")
    with open(figures, encoding="ascii") as file:
        wall, user, system, peak = file.read().split()
    cpu = float(user) + float(system)
    return float(wall), cpu, int(peak), max(0.0, processor_time()[0] - busy - cpu)


def forget(options):
    """The image of the run before must not be in the store: writing it is part of the work."""
    subprocess.run(
        [f"{options.bin}/assay", "store", "gc", "-q", "--store", f"{options.out}/store"], check=True
    )


def run_case(case, options):
    """All tools, in an order that turns by one each round; the rows of each."""
    plan = f"{options.out}/plan.json"
    make_plan(case, options.tar, toolchain(options.bin), plan)
    todo = tools(case, options, plan)
    rows = {name: [] for name in todo}
    names = list(todo)
    for turn in range(options.runs):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            forget(options)
            wait_idle(options.wait)
            rows[name].append(measure(*todo[name]))
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return rows, {name: image for name, (_, _, image) in todo.items()}


def content(image, scratch):
    """What unsquashfs says is inside: every name, mode, owner, size, time; and every file's digest."""
    listing = subprocess.run(
        ["unsquashfs", "-lln", image], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    shutil.rmtree(scratch, ignore_errors=True)
    subprocess.run(
        ["unsquashfs", "-q", "-n", "-no-xattrs", "-d", scratch, image],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=os.getuid() == 0,  # others cannot make devices, which is no fault here
    )
    digests = []
    for folder, _, files in os.walk(scratch):
        for name in files:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                digests.append((os.path.relpath(path, scratch), sha256(path)))
    shutil.rmtree(scratch, ignore_errors=True)
    return sorted(map(comparable, listing)), sorted(digests)


def comparable(line):
    """A line of the listing without what is no content: a directory's size is its listing's, which differs by writer."""
    mode, owner, size, rest = line.split(None, 3)
    if mode.startswith("d"):
        size = "-"
    # mksquashfs gives the root its own mode and time when it reads a tar.
    if rest.endswith(" squashfs-root"):
        mode, owner, rest = "-", "-", "squashfs-root"
    return " ".join((mode, owner, size, rest))


def same_content(images, options):
    """Compares every image with Assay's; tells the first differences."""
    inside = {name: content(path, f"{options.out}/unpacked") for name, path in images.items()}
    listing, digests = inside["assay"]
    same = len(digests) > 0
    for name, (other_listing, other_digests) in inside.items():
        odd = sorted(set(listing) ^ set(other_listing)) + sorted(set(digests) ^ set(other_digests))
        if odd:
            same = False
            print(f"CONTENT DIFFERS between assay and {name}:")
            for line in odd[:6]:
                print("   ", line)
    if same:
        print(f"same content in all: {len(listing)} entries, {len(digests)} files hashed")
    return same


def summary(rows, images):
    return {
        name: {
            "wall": min(row[0] for row in tries),
            "wallMedian": statistics.median(row[0] for row in tries),
            "cpu": min(row[1] for row in tries),
            "othersCpu": min(tries)[3],
            "peakMiB": max(row[2] for row in tries) / 1024,
            "sizeMB": os.stat(images[name]).st_size / 1e6,
        }
        for name, tries in rows.items()
    }


def table(case, figures, options):
    print(f"\n{case[0]} level {case[1]}, {BLOCK // 1024} KiB blocks, {options.threads} threads, "
          f"best of {options.runs}")
    print(f"{'':17}{'wall s':>8}{'median':>8}{'CPU s':>8}{'peak MiB':>10}{'size MB':>9}"
          f"   Assay ÷ it: wall   CPU  memory  size")
    ours = figures["assay"]
    for name, f in figures.items():
        line = (f"{name:17}{f['wall']:8.2f}{f['wallMedian']:8.2f}{f['cpu']:8.2f}"
                f"{f['peakMiB']:10.1f}{f['sizeMB']:9.2f}")
        if name != "assay":
            line += (f"{'':14}{ours['wall'] / f['wall']:8.3f}{ours['cpu'] / f['cpu']:7.3f}"
                     f"{ours['peakMiB'] / f['peakMiB']:7.3f}{ours['sizeMB'] / f['sizeMB']:7.3f}")
        print(line)
    for name, f in figures.items():
        if f["othersCpu"] > 0.1 * f["wall"]:
            print(f"the machine was not idle: others used {f['othersCpu']:.1f} CPU s during "
                  f"the best run of {name}")
    peers = {name: f for name, f in figures.items() if name != "assay"}
    fastest = min(peers, key=lambda name: peers[name]["wall"])
    ratio = ours["wall"] / peers[fastest]["wall"]
    print(f"goal: no slower than the fastest peer ({fastest}): "
          f"{'met' if ratio <= 1 else 'MISSED'}, {ratio:.3f}; "
          f"peak memory under 64 MiB: {'met' if ours['peakMiB'] < 64 else 'MISSED'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("bin", "tar", "tree", "out", "cases"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--wait", type=int, required=True)
    options = parser.parse_args()
    cases = [(c.split(":")[0], int(c.split(":")[1])) for c in options.cases.split()]

    subprocess.run(
        [f"{options.bin}/assay", "store", "add", "-q", "--store", f"{options.out}/store"]
        + ["--name", "bench/rootfs", options.tar],
        check=True,
    )
    print(f"input: {os.stat(options.tar).st_size / 1e6:.1f} MB of tar, {os.cpu_count()} processors. "
          "Assay's time includes\nhashing its input and output, the copy in its store and syncing both to disk; "
          "peers sync nothing.")
    results = {}
    same = True
    for case in cases:
        rows, images = run_case(case, options)
        figures = summary(rows, images)
        table(case, figures, options)
        same = same_content(images, options) and same
        results[f"{case[0]}:{case[1]}"] = figures
    with open(f"{options.out}/results.json", "w", encoding="ascii") as file:
        json.dump(results, file, indent=2)
    print(f"\nfigures: {options.out}/results.json")
    sys.exit(0 if same else 1)


main()
