# SPDX-License-Identifier: MIT
"""A TCP proxy between every two nodes of a test: it delays, throttles, holds
back, cuts and counts.

Each node listens on an address of its own; what others know of it is the
proxy's. Who dials is told by the system's table of sockets, so that neither
the nodes nor the network file know of the proxy. All of it runs in one thread,
which the test's thread gives orders to.
"""
import asyncio
import collections
import os
import random
import re
import threading

QUEUE_BYTES = 4 << 20  # held back of one direction, then it is not read
CHUNK = 65536


class Way:
    """One direction of a link, and what happens to bytes on it."""

    def __init__(self):
        self.delay = 0.0   # seconds
        self.jitter = 0.0  # up to so much more, without overtaking
        self.rate = 0      # bytes a second; 0: no bound
        self.held = False  # nothing arrives, as on a cable that was pulled
        self.bytes = 0     # delivered so far
        self.changed = asyncio.Event()


class Link:
    """What is between two nodes."""

    def __init__(self):
        self.cut = False  # connections are refused
        self.connections = 0  # so far
        self.open = set()  # transports


class Proxy:
    """Thread with an event loop; every method may be called by the test."""

    def __init__(self):
        self.pids = {}  # process id: node
        self.links = collections.defaultdict(Link)
        self.via = {}  # (dialer, node): address of a wiretap in between
        self.ways = collections.defaultdict(Way)
        self.random = random.Random(1)
        self.servers = []
        self.tasks = set()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever,
                                       daemon=True)
        self.thread.start()

    def call(self, coroutine):
        """Runs it in the loop's thread; its result."""
        return asyncio.run_coroutine_threadsafe(coroutine,
                                                self.loop).result(30)

    def stop(self):
        self.call(self._stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(30)
        self.loop.close()

    async def _stop(self):
        for server in self.servers:
            server.close()
        tasks = list(self.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ---- orders ----

    def serve(self, node, at, to):
        """Stands at the address @at for @node, which listens on @to."""
        async def start():
            async def accept(reader, writer):
                task = asyncio.current_task()
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
                try:
                    await self._accept(node, at, to, reader, writer)
                except asyncio.CancelledError:
                    pass  # by _stop()
            self.servers.append(await asyncio.start_server(accept, *at))
        self.call(start())

    def link(self, a, b):
        return self.links[min(a, b), max(a, b)]

    def way(self, a, b):
        return self.ways[a, b]

    def cut(self, a, b, cut=True):
        """Closes what is between them, and refuses; or no more."""
        async def change():
            link = self.link(a, b)
            link.cut = cut
            for transport in list(link.open) if cut else ():
                transport.abort()
        self.call(change())

    def shape(self, a, b, **how):
        """Changes a direction: delay, jitter, rate, held."""
        async def change():
            way = self.way(a, b)
            for key, value in how.items():
                assert hasattr(way, key), key
                setattr(way, key, value)
            way.changed.set()
        self.call(change())

    # ---- in the loop ----

    def _dialer(self, peer, at):
        """The node whose socket is at @peer and connected to @at."""
        def name(address):
            parts = [int(p) for p in address[0].split(".")]
            return "%02X%02X%02X%02X:%04X" % (*parts[::-1], address[1])
        row = re.compile(r"^\s*\d+: %s %s \S+ \S+ \S+ \S+\s+\d+\s+\d+ (\d+)"
                         % (name(peer), name(at)), re.M)
        with open("/proc/net/tcp", encoding="ascii") as f:
            found = row.search(f.read())
        wanted = f"socket:[{found.group(1)}]" if found else None
        for pid, node in list(self.pids.items()):
            try:
                for fd in os.listdir(f"/proc/{pid}/fd"):
                    if os.readlink(f"/proc/{pid}/fd/{fd}") == wanted:
                        return node
            except OSError:
                pass  # it has ended, or closed this one meanwhile
        return None

    async def _accept(self, node, at, to, reader, writer):
        dialer = self._dialer(writer.get_extra_info("peername"), at)
        if dialer is None:
            writer.transport.abort()
            return
        link = self.link(dialer, node)
        transports = {writer.transport}
        try:
            if link.cut:
                return
            reader2, writer2 = await asyncio.open_connection(
                *self.via.get((dialer, node), to))
            transports.add(writer2.transport)
            if link.cut:
                return
            link.connections += 1
            link.open |= transports
            await asyncio.gather(
                self._carry(self.way(dialer, node), reader, writer2),
                self._carry(self.way(node, dialer), reader2, writer))
        except OSError:
            pass
        finally:
            link.open -= transports
            for transport in transports:
                transport.abort()

    async def _carry(self, way, reader, writer):
        queue = collections.deque()
        news = asyncio.Event()
        room = asyncio.Event()
        task = asyncio.ensure_future(self._write(way, queue, news, room,
                                                 writer))
        try:
            due = 0.0
            data = b"?"
            while data:
                data = await reader.read(CHUNK)
                due = max(due, self.loop.time() + way.delay +
                          self.random.random() * way.jitter)
                queue.append((due, data))
                news.set()
                while sum(len(d) for _, d in queue) > QUEUE_BYTES:
                    room.clear()
                    await room.wait()
            await task
        finally:
            task.cancel()

    async def _write(self, way, queue, news, room, writer):
        free = 0.0  # when the line is, that has a rate
        while True:
            while not queue:
                news.clear()
                await news.wait()
            due, data = queue[0]
            while way.held:
                way.changed.clear()
                await way.changed.wait()
            if not data:
                writer.close()
                return
            if way.rate:
                data, rest = data[:1400], data[1400:]
            wait = max(due, free) - self.loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            if way.held:
                continue
            if way.rate:
                free = max(free, self.loop.time()) + len(data) / way.rate
            queue.popleft()
            if way.rate and rest:
                queue.appendleft((due, rest))
            room.set()
            writer.write(data)
            way.bytes += len(data)
            await writer.drain()
