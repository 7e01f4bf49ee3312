#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A xenstored small enough to test domm-agent without Xen.

  xenstored.py SOCKET DOMID serve       serves until killed
  xenstored.py SOCKET ask OP PATH [VALUE]   OP is read, write, mkdir or rm, as dom0 would do it

It speaks the protocol of xen/include/public/io/xs_wire.h. A relative path is a request of the
guest, which may write below its node "domm" only and only while that exists; an absolute path is
one of dom0. libxenstore finds the socket through XENSTORED_PATH.
"""

import socket
import socketserver
import struct
import sys
import threading

DIRECTORY, READ, WATCH, WRITE, MKDIR, RM, EVENT, ERROR = 1, 2, 4, 11, 12, 13, 15, 16
HEADER = struct.Struct("=IIII")  # type, request, transaction, length


def send(connection, kind, request, payload):
    connection.sendall(HEADER.pack(kind, request, 0, len(payload)) + payload)


def receive(connection):
    header = connection.recv(HEADER.size, socket.MSG_WAITALL)
    if len(header) < HEADER.size:
        return None
    kind, request, _, length = HEADER.unpack(header)
    return kind, request, connection.recv(length, socket.MSG_WAITALL) if length else b""


class Store:
    def __init__(self, domid):
        self.home = f"/local/domain/{domid}"
        self.nodes = {f"{self.home}/domid": domid.encode()}
        self.watches = []  # (connection, absolute path, path as it was given, token)
        self.lock = threading.RLock()

    def absolute(self, path):
        return path if path.startswith("/") else f"{self.home}/{path}"

    def fire(self, path):
        for connection, watched, given, token in self.watches:
            if path == watched or path.startswith(watched + "/"):
                seen = given + path[len(watched):]
                send(connection, EVENT, 0, seen.encode() + b"\0" + token + b"\0")

    def change(self, path, value):
        if not path.startswith("/"):
            node = f"{self.home}/domm"
            if node not in self.nodes or not path.startswith("domm/"):
                return b"EACCES"
        path = self.absolute(path)
        if value is None:
            below = [p for p in self.nodes if p == path or p.startswith(path + "/")]
            if not below:
                return b"ENOENT"
            for gone in below:
                del self.nodes[gone]
        else:
            self.nodes[path] = value
        self.fire(path)
        return None

    def children(self, path):
        below = [p[len(path) + 1:] for p in self.nodes if p.startswith(path + "/")]
        if not below and path not in self.nodes:
            return b"ENOENT", None
        names = sorted({p.split("/")[0] for p in below})
        return None, b"".join(name.encode() + b"\0" for name in names)

    def answer(self, connection, kind, fields):
        """(error, result)"""
        path = fields[0].decode()
        if kind == READ:
            value = self.nodes.get(self.absolute(path))
            return (b"ENOENT", None) if value is None else (None, value)
        if kind == DIRECTORY:
            return self.children(self.absolute(path))
        if kind == WATCH:
            self.watches.append((connection, self.absolute(path), path, fields[1]))
            return None, b"OK\0"
        if kind in (WRITE, MKDIR, RM):
            value = {WRITE: fields[1] if len(fields) > 1 else b"", MKDIR: b"", RM: None}[kind]
            return self.change(path, value), b"OK\0"
        return b"ENOSYS", None


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        store = self.server.store
        while message := receive(self.request):
            kind, request, payload = message
            with store.lock:
                error, result = store.answer(self.request, kind, payload.split(b"\0"))
                if error:
                    send(self.request, ERROR, request, error + b"\0")
                else:
                    send(self.request, kind, request, result)
                if kind == WATCH:  # a new watch fires once at once
                    path, token = payload.split(b"\0")[:2]
                    send(self.request, EVENT, 0, path + b"\0" + token + b"\0")

    def finish(self):
        store = self.server.store
        with store.lock:
            store.watches = [w for w in store.watches if w[0] is not self.request]


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def serve(path, domid):
    with Server(path, Handler) as server:
        server.store = Store(domid)
        server.serve_forever()


def ask(path, operation, node, value=""):
    kind = {"read": READ, "write": WRITE, "mkdir": MKDIR, "rm": RM}[operation]
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        send(connection, kind, 1, node.encode() + b"\0" + value.encode())
        kind, _, payload = receive(connection)
        print(payload.decode().rstrip("\0"))
        return 1 if kind == ERROR else 0


if __name__ == "__main__":
    if sys.argv[2] == "ask":
        sys.exit(ask(sys.argv[1], *sys.argv[3:]))
    serve(sys.argv[1], sys.argv[2])
