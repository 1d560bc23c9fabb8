# SPDX-License-Identifier: Apache-2.0
"""An OCI layout with two images of gzip layers, made of nothing: linuxkit_image.py DIRECTORY MIB

Files of all sizes, a third of the bytes incompressible, the rest like text; always the same bytes.
"""

import hashlib
import io
import json
import os
import random
import subprocess
import sys
import tarfile


def content(rng, size):
    kind = rng.random()
    if kind < 1 / 3:
        return rng.randbytes(size)
    words = [rng.randbytes(rng.randint(2, 9)).hex() for _ in range(400)]
    text = io.StringIO()
    while text.tell() < size:
        text.write(rng.choice(words) + " ")
    return text.getvalue().encode()[:size]


def layer(seed, total, path):
    """One tar layer of about `total` bytes; returns (digest, size, diff id) of its gzip form."""
    rng = random.Random(seed)
    written = 0
    number = 0
    with tarfile.open(path + ".tar", "w", format=tarfile.PAX_FORMAT) as tar:
        while written < total:
            size = min(total - written, int(rng.choice([200, 2000, 20000, 200000, 3000000]) * (0.5 + rng.random())))
            folder = f"usr/lib/part{seed}/{number // 100:03}"
            if number % 100 == 0:
                info = tarfile.TarInfo(folder)
                info.type, info.mode, info.mtime = tarfile.DIRTYPE, 0o755, 1700000000
                tar.addfile(info)
            info = tarfile.TarInfo(f"{folder}/file{number:05}")
            info.size, info.mode, info.mtime = size, 0o644, 1700000000 + number
            tar.addfile(info, io.BytesIO(content(rng, size)))
            written += size
            number += 1
    digest = hashlib.sha256()
    with open(path + ".tar", "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    subprocess.run(["gzip", "-n", "-6", "-f", path + ".tar"], check=True)
    return path + ".tar.gz", digest.hexdigest()


class Layout:
    def __init__(self, root):
        self.root = root
        self.manifests = []
        os.makedirs(f"{root}/blobs/sha256", exist_ok=True)

    def put(self, data):
        digest = hashlib.sha256(data).hexdigest()
        with open(f"{self.root}/blobs/sha256/{digest}", "wb") as file:
            file.write(data)
        return {"digest": "sha256:" + digest, "size": len(data)}

    def take(self, path):
        with open(path, "rb") as file:
            data = file.read()
        os.unlink(path)
        return self.put(data)

    def image(self, name, layers):
        blobs, diffs = [], []
        for path, diff in layers:
            blobs.append({"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip"} | self.take(path))
            diffs.append("sha256:" + diff)
        config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/usr/bin/run"]}, "rootfs": {"type": "layers", "diff_ids": diffs}}
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json"} | self.put(json.dumps(config).encode()),
            "layers": blobs,
        }
        entry = {"mediaType": manifest["mediaType"]} | self.put(json.dumps(manifest).encode())
        self.manifests.append(entry | {"annotations": {"org.opencontainers.image.ref.name": name}})

    def close(self):
        with open(f"{self.root}/oci-layout", "w", encoding="ascii") as file:
            file.write('{"imageLayoutVersion":"1.0.0"}')
        with open(f"{self.root}/index.json", "w", encoding="ascii") as file:
            json.dump({"schemaVersion": 2, "manifests": self.manifests}, file)


def main():
    root, mib = sys.argv[1], int(sys.argv[2])
    part = mib * 1048576 // 4
    layout = Layout(root)
    layout.image("docker.io/bench/init:v1", [layer(1, part, f"{root}/1"), layer(2, part, f"{root}/2")])
    layout.image("docker.io/bench/service:v1", [layer(3, part, f"{root}/3"), layer(4, part, f"{root}/4")])
    layout.close()


main()
