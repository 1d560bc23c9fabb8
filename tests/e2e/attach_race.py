# SPDX-License-Identifier: Apache-2.0
"""attach_race.py HOST:PORT FILE: another writer of the fallback tag, seen from the registry.

A proxy before the registry, whose port it writes to FILE. Twice, after a tag `sha256-...` was written, it writes what was
there before that, the first time with nothing of anybody's: what a writer does that read the tag, was slow, and then wrote.
It notes each time in FILE.log.
"""
import http.client
import http.server
import json
import os
import sys

registry, port_file = sys.argv[1:]
EMPTY = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}).encode()
taken = 0


def ask(method, path, body, headers):
    connection = http.client.HTTPConnection(registry)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.getheaders(), answer.read()


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def serve(self):
        global taken
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("connection", "transfer-encoding")}
        status, given, text = ask(self.command, self.path, body, headers)
        if self.command == "PUT" and "/manifests/sha256-" in self.path and taken < 2:
            taken += 1
            ask("PUT", self.path, EMPTY, {"Content-Type": "application/vnd.oci.image.index.v1+json"})
            with open(port_file + ".log", "a", encoding="ascii") as log:
                log.write("taken away\n")
        self.send_response(status)
        for key, value in given:
            if key.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(key, value)
        length = dict((k.lower(), v) for k, v in given).get("content-length") if self.command == "HEAD" else str(len(text))
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = serve

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
with open(port_file + ".new", "w", encoding="ascii") as f:
    f.write(str(server.server_address[1]))
os.rename(port_file + ".new", port_file)
server.serve_forever()
