# SPDX-License-Identifier: Apache-2.0
"""A registry that misbehaves: forwards to a real one, and spoils the answers as a file says.

  fault_proxy.py UPSTREAM_PORT CONTROL_DIR

Listens on a free port of 127.0.0.1, written to CONTROL_DIR/port. CONTROL_DIR/mode holds "MODE [ARGUMENT]"
and is read at every request; each request is one line of CONTROL_DIR/log: path, range, authorization.
Counting starts again whenever the mode is another one. What uploads do (PUT and PATCH of blobs, PUT of manifests)
has modes of its own, "up…"; their requests are logged as "METHOD PATH LENGTH AUTHORIZATION HOST".
"""
import http.client
import http.server
import os
import sys
import threading
import time

upstream = int(sys.argv[1])
control = sys.argv[2]
lock = threading.Lock()
state = {"mode": None, "counts": {}}


def mode_of(path):
    """The mode, its argument, and how often this path was asked for before in this mode."""
    with open(os.path.join(control, "mode")) as f:
        words = f.read().split()
    with lock:
        if state["mode"] != words:
            state["mode"], state["counts"] = words, {}
        n = state["counts"].get(path, 0)
        state["counts"][path] = n + 1
    return words[0], words[1] if len(words) > 1 else "", n


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def forward(self, with_range=True):
        c = http.client.HTTPConnection("127.0.0.1", upstream, timeout=30)
        keep = {k: v for k, v in self.headers.items() if k.lower() in ("accept", "authorization")}
        if with_range and "Range" in self.headers:
            keep["Range"] = self.headers["Range"]
        c.request("GET", self.path.replace("/elsewhere", ""), headers=keep)
        r = c.getresponse()
        body = r.read()
        drop = ("connection", "transfer-encoding", "content-length", "date")
        return r.status, [(k, v) for k, v in r.getheaders() if k.lower() not in drop], body

    def answer(self, status, headers, length):
        self.send_response(status)
        for k, v in headers:
            self.send_header(k, v)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def simple(self, status, headers=()):
        self.answer(status, headers, 0)

    def hang_up(self):
        self.wfile.flush()
        self.close_connection = True

    def do_GET(self):
        with lock, open(os.path.join(control, "log"), "a") as f:
            f.write("%s %s %s %s\n" % (self.path, self.headers.get("Range", "-"),
                                       self.headers.get("Authorization", "-").replace(" ", "_"),
                                       self.headers.get("Host")))
        mode, argument, n = mode_of(self.path)
        blob = "/blobs/" in self.path
        if mode.startswith("up"):
            return self.pass_on(0)
        try:
            getattr(self, "m_" + mode)(argument, n, blob)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def whole(self):
        status, headers, body = self.forward()
        self.answer(status, headers, len(body))
        self.wfile.write(body)

    def m_none(self, argument, n, blob):
        self.whole()

    def m_cut(self, argument, n, blob, with_range=True, tries=3):
        status, headers, body = self.forward(with_range)
        size = len(body)
        self.answer(status, headers, size)
        self.wfile.write(body[:int(argument)] if blob and n < tries else body)
        if blob and n < tries:
            self.hang_up()

    def m_cutforever(self, argument, n, blob):
        self.m_cut(argument, n, blob, tries=1 << 30)

    def m_norange(self, argument, n, blob):
        self.m_cut(argument, n, blob, with_range=False)

    def m_wrongrange(self, argument, n, blob):
        if not blob or n == 0:
            return self.m_cut(argument, n, blob)
        status, headers, body = self.forward(False)
        headers = [h for h in headers if h[0].lower() != "content-range"]
        self.answer(206, headers + [("Content-Range", "bytes 0-%d/%d" % (len(body) - 1, len(body)))],
                    len(body))
        self.wfile.write(body)

    def m_wrongpart(self, argument, n, blob):
        """Always a part, and from the seventh byte, whatever was asked for."""
        status, headers, body = self.forward(False)
        if not blob:
            self.answer(status, headers, len(body))
            return self.wfile.write(body)
        self.answer(206, headers + [("Content-Range", "bytes 7-%d/%d" % (len(body) - 1, len(body)))],
                    len(body) - 7)
        self.wfile.write(body[7:])

    def m_header(self, argument, n, blob):
        """NAME:BYTES: the answer for a blob has a header of that many, or, "many", short ones of as many together."""
        status, headers, body = self.forward()
        name, count = argument.split(":")
        if blob and name == "many":
            headers = headers + [("X-%d" % i, "x" * 1000) for i in range(int(count) // 1000)]
        elif blob:
            headers = headers + [(name, "x" * int(count))]
        self.answer(401 if blob and name == "WWW-Authenticate" else status, headers, len(body))
        self.wfile.write(body)

    def m_said(self, argument, n, blob):
        """WHAT,DIGEST: the header of a manifest or a blob that says its digest says this."""
        what, digest = argument.split(",")
        status, headers, body = self.forward()
        if what == ("blob" if blob else "manifest"):
            headers = [h for h in headers if h[0].lower() != "docker-content-digest"]
            headers.append(("Docker-Content-Digest", digest))
        self.answer(status, headers, len(body))
        self.wfile.write(body)

    def m_mixed(self, argument, n, blob):
        """The first try gives other bytes, and is cut: the parts cannot fit."""
        status, headers, body = self.forward()
        self.answer(status, headers, len(body))
        if blob and n == 0:
            self.wfile.write(bytes(min(int(argument), len(body) // 2)))
            return self.hang_up()
        self.wfile.write(body)

    def m_unsized(self, argument, n, blob):
        """No length: the end of the connection is the end, the first time too early."""
        status, headers, body = self.forward()
        self.send_response(status)
        for k, v in headers + [("Connection", "close")]:
            self.send_header(k, v)
        self.end_headers()
        self.wfile.write(body[:int(argument)] if blob and n == 0 else body)
        self.hang_up()

    def m_endless(self, argument, n, blob):
        status, headers, body = self.forward()
        self.send_response(status)
        for k, v in headers + [("Connection", "close")]:
            self.send_header(k, v)
        self.end_headers()
        self.wfile.write(body)
        while blob:
            self.wfile.write(bytes(65536))
        self.hang_up()

    def m_stall(self, argument, n, blob):
        status, headers, body = self.forward()
        self.answer(status, headers, len(body))
        if blob and n == 0 and len(body) > int(argument):
            self.wfile.write(body[:int(argument)])
            self.wfile.flush()
            time.sleep(8)
            return self.hang_up()
        self.wfile.write(body)

    def m_drip(self, argument, n, blob):
        status, headers, body = self.forward()
        self.answer(status, headers, len(body))
        for i in range(len(body) if blob else 0):
            self.wfile.write(body[i:i + 1])
            self.wfile.flush()
            time.sleep(0.05)
        if not blob:
            self.wfile.write(body)

    def m_silent(self, argument, n, blob):
        time.sleep(8)
        self.hang_up()

    def m_length(self, argument, n, blob):
        status, headers, body = self.forward()
        if blob:
            body += b"x"
        self.answer(status, headers, len(body))
        self.wfile.write(body)

    def m_digest(self, argument, n, blob):
        status, headers, body = self.forward()
        if argument == ("blob" if blob else "manifest"):
            body = body[:-1] + bytes([body[-1] ^ 1])
        self.answer(status, headers, len(body))
        self.wfile.write(body)

    def m_status(self, argument, n, blob):
        """CODE,TIMES,RETRY_AFTER"""
        code, times, after = argument.split(",")
        if n < int(times):
            return self.simple(int(code), [("Retry-After", after)] if after else [])
        self.whole()

    def m_fades(self, argument, n, blob):
        """A status, and from then on nothing."""
        return self.simple(int(argument)) if n == 0 else self.m_silent(argument, n, blob)

    def m_loop(self, argument, n, blob):
        self.simple(307, [("Location", self.path)]) if blob else self.whole()

    def m_scheme(self, argument, n, blob):
        self.simple(307, [("Location", argument)]) if blob else self.whole()

    def m_elsewhere(self, argument, n, blob):
        """Blobs are at another host: argument."""
        if blob and "/elsewhere" not in self.path:
            return self.simple(307, [("Location", "http://%s/elsewhere%s" % (argument, self.path))])
        self.whole()

    def m_bigmanifest(self, argument, n, blob):
        headers = [("Content-Type", "application/vnd.oci.image.manifest.v1+json")]
        if argument == "sized":
            return self.answer(200, headers, 5 << 20)
        self.answer(200, headers + [("Connection", "close")], None)
        self.wfile.write(b" " * (5 << 20))
        self.hang_up()

    def m_manifest(self, argument, n, blob):
        if blob:
            return self.whole()
        with open(argument, "rb") as f:
            body = f.read()
        self.answer(200, [("Content-Type", "application/vnd.oci.image.manifest.v1+json")], len(body))
        self.wfile.write(body)

    def m_token(self, argument, n, blob):
        """A registry that wants a token, and its token server."""
        if self.path.startswith("/token"):
            basic = self.headers.get("Authorization", "") == "Basic dGVzdGVyOnNlY3JldA=="
            body = b'{"token":"%s"}' % (b"good" if basic or argument == "anonymous" else b"bad")
            self.answer(200, [("Content-Type", "application/json")], len(body))
            self.wfile.write(body)
        elif self.headers.get("Authorization") == "Bearer good":
            self.whole()
        else:
            self.simple(401, [("WWW-Authenticate", 'Bearer realm="http://%s/token",service="the service",'
                               'scope="repository:%s:pull"' % (self.headers["Host"], "a/b"))])

    def m_thief(self, argument, n, blob):
        """Blobs are at another host, which asks for the password."""
        if "/elsewhere" in self.path:
            return self.simple(401, [("WWW-Authenticate", 'Bearer realm="http://%s/thief"' % argument)])
        self.m_elsewhere(argument, n, blob)

    def m_badchallenge(self, argument, n, blob):
        self.simple(401, [("WWW-Authenticate", 'Bearer realm="unfinished')])


    # ---- uploads ----

    def send_on(self, data):
        """Forwards the request with this body; the upstream's places become ours."""
        c = http.client.HTTPConnection("127.0.0.1", upstream, timeout=30)
        keep = {k: v for k, v in self.headers.items()
                if k.lower() in ("accept", "authorization", "content-type", "content-range")}
        c.request(self.command, self.path.replace("/elsewhere", ""), body=data, headers=keep)
        r = c.getresponse()
        body = r.read()
        drop = ("connection", "transfer-encoding", "content-length", "date")
        headers = [(k, v.replace("http://127.0.0.1:%d" % upstream, "http://" + self.headers["Host"])
                    if k.lower() == "location" else v) for k, v in r.getheaders() if k.lower() not in drop]
        return r.status, headers, body

    def do_upload(self):
        length = int(self.headers.get("Content-Length", "0"))
        with lock, open(os.path.join(control, "log"), "a") as f:
            f.write("%s %s %d %s %s\n" % (self.command, self.path, length,
                                          self.headers.get("Authorization", "-").replace(" ", "_"),
                                          self.headers.get("Host")))
        mode, argument, n = mode_of(self.command)
        try:
            if not mode.startswith("up") or not getattr(self, "m_" + mode)(argument, n, length):
                self.pass_on(length)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_POST = do_PUT = do_PATCH = do_HEAD = do_upload

    def pass_on(self, length, change=lambda status, headers: (status, headers)):
        status, headers, body = self.send_on(self.rfile.read(length))
        status, headers = change(status, headers)
        self.answer(status, headers, None if status == 204 else len(body))
        if self.command != "HEAD":
            self.wfile.write(body)
        return True

    def m_upcut(self, argument, n, length):
        """METHOD,BYTES,FROM,TO: of these tries, so many bytes are read; then the connection ends."""
        method, count, first, end = argument.split(",")
        if self.command == method and int(first) <= n < int(end):
            self.rfile.read(min(length, int(count)))
            self.hang_up()
            self.connection.close()
            return True
        return False

    def m_uplost(self, argument, n, length):
        """METHOD: the registry has it, the first answer is lost."""
        if self.command == argument and n == 0:
            self.send_on(self.rfile.read(length))
            self.hang_up()
            self.connection.close()
            return True
        return False

    def m_uptwice(self, argument, n, length):
        """METHOD: the first request reaches the registry twice, as when a client's library sends it again."""
        if self.command == argument and n == 0:
            body = self.rfile.read(length)
            self.send_on(body)
            status, headers, body = self.send_on(body)
            self.answer(status, headers, len(body))
            self.wfile.write(body)
            return True
        return False

    def m_upstatus(self, argument, n, length):
        """METHOD,CODE,TIMES,RETRY_AFTER"""
        method, code, times, after = argument.split(",")
        if self.command == method and n < int(times):
            self.rfile.read(length)
            self.simple(int(code), [("Retry-After", after)] if after else [])
            return True
        return False

    def m_updigest(self, argument, n, length):
        """The answer to a blob or a manifest has another digest."""
        if self.command == "PUT" and ("/manifests/" in self.path) == (argument == "manifest"):
            other = "sha256:" + "0" * 64
            return self.pass_on(length, lambda status, headers: (status, [
                (k, other if k.lower() == "docker-content-digest" else v) for k, v in headers]))
        return False

    def m_upsilent(self, argument, n, length):
        if self.command == argument:
            self.rfile.read(length)
            time.sleep(8)
            self.hang_up()
            return True
        return False

    def m_upplace(self, argument, n, length):
        """The place to send to has this in front, or is nowhere; the rest wants a password."""
        if "/elsewhere" not in self.path and "Authorization" not in self.headers:
            self.rfile.read(length)
            self.simple(401, [("WWW-Authenticate", 'Basic realm="x"')])
            return True
        def change(status, headers):
            if self.command != "POST":
                return status, headers
            return status, [(k, argument + "/elsewhere/v2/" + v.split("/v2/")[1]) if k.lower() == "location"
                            else (k, v) for k, v in headers if k.lower() != "location" or argument != "nowhere"]
        return self.pass_on(length, change)

    def m_uplocation(self, argument, n, length):
        """The place to send to is this text; "-" is an empty one, BYTES: as many."""
        if self.command != "POST":
            return False
        text = "" if argument == "-" else "x" * int(argument) if argument.isdigit() else argument
        self.rfile.read(length)
        self.simple(202, [("Location", text)])
        return True

    def m_upsaid(self, argument, n, length):
        """The registry has every blob, and calls it this."""
        if self.command != "HEAD":
            return False
        self.answer(200, [("Docker-Content-Digest", argument)], None)
        return True

    def m_upredirect(self, argument, n, length):
        if self.command == "PUT":
            self.rfile.read(length)
            self.simple(307, [("Location", argument + self.path)])
            return True
        return False


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
