# SPDX-License-Identifier: Apache-2.0
"""A small registry with the referrers API of distribution 1.1, in memory.

  referrers_registry.py CONTROL_DIR [USER:PASSWORD]

Listens on a free port of 127.0.0.1, written to CONTROL_DIR/port. With USER:PASSWORD it wants tokens, which its
own token server gives for that password, or by OAuth 2 for the identity token "identity of USER:PASSWORD", each for one repository and either pull or pull,push. CONTROL_DIR/mode
may hold words that change it: "liar" (other digests in answers), "stranger" (the list of referrers has a manifest
that does not refer to the subject), "away" (the next page of referrers is at another host), "junk" (the list is no
index), "nodigest" (says no digests). Each request is one line of CONTROL_DIR/log.
Lists of referrers have pages of two.
"""
import base64
import hashlib
import http.server
import json
import os
import re
import sys
import threading
import urllib.parse

control = sys.argv[1]
password = sys.argv[2] if len(sys.argv) > 2 else None
lock = threading.Lock()
blobs, manifests, tags, uploads = {}, {}, {}, {}
INDEX = "application/vnd.oci.image.index.v1+json"


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def mode():
    try:
        with open(os.path.join(control, "mode")) as f:
            return f.read().split()
    except FileNotFoundError:
        return []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, headers=(), body=b""):
        self.send_response(status)
        for k, v in headers:
            if not (k == "Docker-Content-Digest" and "nodigest" in mode()):
                self.send_header(k, v)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def token(self, query):
        basic = self.headers.get("Authorization", "")
        wanted = "Basic " + base64.b64encode(password.encode()).decode()
        kind, name, actions = query["scope"][0].rsplit(":", 2)
        if basic != wanted or kind != "repository" or query.get("service") != ["test"]:
            return self.answer(401)
        self.answer(200, [("Content-Type", "application/json")], json.dumps({"token": name + "|" + actions}).encode())

    def oauth(self):
        form = urllib.parse.parse_qs(self.body().decode())
        if (form["refresh_token"] != ["identity of " + password] or form["grant_type"] != ["refresh_token"] or
                form["service"] != ["test"] or "client_id" not in form or "Authorization" in self.headers):
            return self.answer(401)
        kind, name, actions = form["scope"][0].rsplit(":", 2)
        self.answer(200, [("Content-Type", "application/json")],
                    json.dumps({"access_token": name + "|" + actions}).encode())

    def allowed(self, name):
        need = "pull" if self.command in ("GET", "HEAD") else "push"
        given = self.headers.get("Authorization", "")
        if password is None or (given.startswith("Bearer " + name + "|") and need in given.split("|")[1].split(",")):
            return True
        self.body()
        scope = "repository:%s:%s" % (name, "pull" if need == "pull" else "pull,push")
        self.answer(401, [("WWW-Authenticate", 'Bearer realm="http://%s/token",service="test",scope="%s"'
                           % (self.headers["Host"], scope))])
        return False

    def serve(self):
        with lock:
            with open(os.path.join(control, "log"), "a") as f:
                f.write("%s %s %s\n" % (self.command, self.path, self.headers.get("Authorization", "-").replace(" ", "_")))
            url = urllib.parse.urlsplit(self.path)
            query = urllib.parse.parse_qs(url.query)
            if url.path == "/token":
                return self.oauth() if self.command == "POST" else self.token(query)
            m = re.fullmatch(r"/v2/(.+)/(blobs/uploads|blobs|manifests|referrers)/([^/]*)", url.path)
            if not m:
                return self.answer(404)
            name, what, last = m.groups()
            if self.allowed(name):
                getattr(self, "on_" + what.replace("/", "_"))(name, last, query)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = serve

    def on_blobs(self, name, digest, query):
        data = blobs.get((name, digest))
        self.answer(404) if data is None else self.answer(200, [("Docker-Content-Digest", digest)], data)

    def on_blobs_uploads(self, name, last, query):
        if self.command == "POST":
            last = "u%d" % len(uploads)
            uploads[last] = b""
            return self.answer(202, [("Location", "/v2/%s/blobs/uploads/%s?state=1" % (name, last))])
        if last not in uploads:
            return self.answer(404)
        if self.command == "PATCH":
            start = int(self.headers["Content-Range"].split("-")[0])
            data = self.body()
            if start != len(uploads[last]):
                return self.answer(416)
            uploads[last] += data
        elif self.command == "PUT":
            data = uploads.pop(last) + self.body()
            digest = query["digest"][0]
            if sha(data) != digest:
                return self.answer(400)
            blobs[(name, digest)] = data
            said = digest[:-1] + ("1" if digest[-1] == "0" else "0") if "liar" in mode() else digest
            return self.answer(201, [("Docker-Content-Digest", said)])
        have = [("Range", "0-%d" % (len(uploads[last]) - 1))] if uploads[last] else []
        self.answer(202 if self.command == "PATCH" else 204,
                    have + [("Location", "/v2/%s/blobs/uploads/%s?state=2" % (name, last))])

    def on_manifests(self, name, last, query):
        if self.command == "PUT":
            data = self.body()
            document, digest = json.loads(data), sha(data)
            if last.startswith("sha256:") and last != digest:
                return self.answer(400)
            manifests[(name, digest)] = (self.headers["Content-Type"], data)
            tags[(name, last)] = digest
            extra = [("OCI-Subject", document["subject"]["digest"])] if "subject" in document else []
            return self.answer(201, [("Docker-Content-Digest", digest)] + extra)
        digest = last if last.startswith("sha256:") else tags.get((name, last))
        if (name, digest) not in manifests:
            return self.answer(404)
        kind, data = manifests[(name, digest)]
        self.answer(200, [("Content-Type", kind), ("Docker-Content-Digest", digest)], data)

    def on_referrers(self, name, subject, query):
        found = []
        words = mode()
        for (where, digest), (kind, data) in sorted(manifests.items()):
            document = json.loads(data)
            if where == name and (document.get("subject", {}).get("digest") == subject or
                                  ("stranger" in words and "subject" not in document)):
                found.append({"mediaType": kind, "digest": digest, "size": len(data),
                              "artifactType": document.get("artifactType", "")})
        at = int(query.get("at", ["0"])[0])
        page = {"schemaVersion": 2, "mediaType": INDEX, "manifests": found[at:at + 2]}
        headers = [("Content-Type", INDEX)]
        if at + 2 < len(found) or "away" in words:
            host = "http://localhost:1" if "away" in words else ""
            headers.append(("Link", '<%s/v2/%s/referrers/%s?at=%d>; rel="next"' % (host, name, subject, at + 2)))
        self.answer(200, headers, b'{"a":1}' if "junk" in words else json.dumps(page).encode())


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


server = Server(("127.0.0.1", 0), Handler)
temp = os.path.join(control, "port.tmp")
with open(temp, "w") as f:
    f.write(str(server.server_address[1]))
os.rename(temp, os.path.join(control, "port"))
server.serve_forever()
