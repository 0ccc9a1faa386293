# SPDX-License-Identifier: Apache-2.0
"""A TCP relay to a server, whose connections can be counted, cut and refused for a while."""
import contextlib
import selectors
import socket
import threading

BYTES = 65536


class Relay:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.target = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.is_open = True
        self.pairs = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                if not self.is_open:
                    client.close()
                    continue
                pair = (client, socket.create_connection(self.target))
                with self._lock:
                    self.pairs.add(pair)
                threading.Thread(target=self._carry, args=(pair,), daemon=True).start()

    def _carry(self, pair):
        other = {pair[0]: pair[1], pair[1]: pair[0]}
        with selectors.DefaultSelector() as ready, contextlib.suppress(OSError):
            for end in pair:
                ready.register(end, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    data = key.fileobj.recv(BYTES)
                    if not data:
                        raise OSError
                    other[key.fileobj].sendall(data)
        self._end(pair)

    def _end(self, pair):
        with self._lock:
            self.pairs.discard(pair)
        for end in pair:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def cut(self):
        """Ends all connections, and takes no more until restore()."""
        self.is_open = False
        for pair in list(self.pairs):
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def restore(self):
        self.is_open = True

    def close(self):
        self.cut()
        self.listener.close()
