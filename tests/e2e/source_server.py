#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A web server for the tests of sources: files below a directory, and git repositories by git's own
http-backend.

    source_server.py DIRECTORY PORTFILE LOG [CERTIFICATE KEY]

/git/NAME/...   the repository DIRECTORY/NAME, smart protocol
/private/NAME/...   the same for user:s3cr3t; the log says so when that is among any process's arguments
/drip/...       refs of a repository that never end; the log says when nobody listens any more
/go/SCHEME/HOST/PATH  a redirect to SCHEME://HOST/PATH
/late/NAME/...  the repository, but what is posted is redirected to /git/NAME
/cut/PATH       the file, cut off after half of it, unless a Range is asked for
/signed/PATH?X-Signature=s3cr3t   the file; 403 without the signature
/v2/...         a registry that wants a token; /token gives a broken one, and prints what it was given
/v2/realm/...   the same, with a token server on localhost
/PATH           the file
With a certificate it speaks TLS. The port is written to PORTFILE, each request line to LOG.
"""
import http.server
import base64
import glob
import os
import ssl
import subprocess
import sys
import time

root, port_file, log_file = sys.argv[1:4]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def log_message(self, fmt, *args):
        with open(log_file, "a") as f:
            f.write(fmt % args + "\n")

    def private(self):
        wanted = "Basic " + base64.b64encode(b"user:s3cr3t").decode()
        given = self.headers.get("Authorization")
        if given != wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="here"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            if given:
                self.log_message("%s", "a wrong password")
            return
        self.log_message("%s", "a right password")
        for name in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(name, "rb") as f:
                    if b"s3cr3t" in f.read():
                        self.log_message("%s", "a password in arguments")
            except OSError:
                pass
        self.git("/private")

    def drip(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
        self.end_headers()
        n = 0
        try:
            self.wfile.write(b"001e# service=git-upload-pack\n0000")
            while True:
                line = b"%040x refs/heads/b%d\n" % (n, n)
                self.wfile.write(b"%04x%s" % (len(line) + 4, line))
                self.wfile.flush()
                n += 1
                if n == 20:
                    self.log_message("%s", "dripping")
                time.sleep(0.01)
        except OSError:
            self.log_message("%s", "nobody listens")

    def go(self, code):
        scheme, host, rest = self.path[len("/go/"):].split("/", 2)
        self.send_response(code)
        self.send_header("Location", f"{scheme}://{host}/{rest}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def git(self, prefix="/git"):
        path, _, query = self.path.partition("?")
        env = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": root,
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "PATH_INFO": path[len(prefix):],
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": self.headers.get("Content-Length", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        out = subprocess.run(["git", "http-backend"], input=body, env=env, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, check=False).stdout
        head, _, rest = out.partition(b"\r\n\r\n")
        status = 200
        headers = []
        for line in head.decode().split("\r\n"):
            name, _, value = line.partition(": ")
            if name == "Status":
                status = int(value.split()[0])
            elif name:
                headers.append((name, value))
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest)

    def file(self, path, cut):
        try:
            with open(os.path.join(root, path.lstrip("/")), "rb") as f:
                data = f.read()
        except OSError:
            self.send_error(404)
            return
        start = 0
        asked = self.headers.get("Range")
        if asked:
            start = int(asked[len("bytes="):].split("-")[0])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start:len(data) // 2] if cut and not asked else data[start:])

    def do_GET(self):
        if self.path.startswith("/git/"):
            self.git()
        elif self.path.startswith("/private/"):
            self.private()
        elif self.path.startswith("/drip/"):
            self.drip()
        elif self.path.startswith("/late/"):
            self.git("/late")
        elif self.path.startswith("/go/"):
            self.go(302)
        elif self.path.startswith("/v2/"):
            self.send_response(401)
            host = self.headers["Host"]
            if self.path.startswith("/v2/realm/"):
                host = "localhost:%d" % self.server.server_address[1]
            self.send_header("WWW-Authenticate", 'Bearer realm="http://%s/token"' % host)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path.startswith("/token"):
            print(self.headers.get("Authorization"), flush=True)
            body = b'{"token":"s3cr3t" "s3cr3t"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        elif self.path.startswith("/signed/"):
            path, _, query = self.path.partition("?")
            if query == "X-Signature=s3cr3t":
                self.file(path[len("/signed/"):], False)
            else:
                self.send_error(403)
        elif self.path.startswith("/cut/"):
            self.file(self.path[len("/cut/"):], True)
        else:
            self.file(self.path, False)

    def do_POST(self):
        if self.path.startswith("/private/"):
            self.private()
        elif self.path.startswith("/late/"):
            self.path = "/go/http/" + self.headers["Host"] + "/git/" + self.path[len("/late/"):]
            self.go(307)
        else:
            self.git()


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
if len(sys.argv) > 4:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[4], sys.argv[5])
    server.socket = context.wrap_socket(server.socket, server_side=True)
with open(port_file + ".tmp", "w") as f:
    f.write(str(server.server_address[1]))
os.rename(port_file + ".tmp", port_file)
server.serve_forever()
