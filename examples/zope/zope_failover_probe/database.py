"""Asks the database, and never lets who wants to know wait for it.

A question to a database that is frozen or cut off has no end. So it is asked in
a thread of its own, one at a time in a process, and everybody else looks at what
that thread saw last.
"""
import os
import threading
import time
from binascii import hexlify
from binascii import unhexlify

from persistent.TimeStamp import TimeStamp


# An answer this young needs no new question (seconds).
REUSE = 0.2

ROOT = b'\0' * 8
NEWEST = b'\x7f' + b'\xff' * 7


def ask(storage):
    """One round trip.

    Returns the server's last transaction, None where there is no server.
    """
    if hasattr(storage, 'server_status'):
        # ZEO; pages and loads may come from its cache, this never does
        found = storage.server_status().get('last-transaction')
        return unhexlify(found) if found else None
    if is_polled(storage):
        instance = storage.new_instance()
        try:
            instance.poll_invalidations()
            return last_transaction(instance)
        finally:
            instance.release()
    if hasattr(storage, 'loadBefore'):
        storage.loadBefore(ROOT, NEWEST)
    return None


def own_transaction(storage):
    """The last transaction this process has heard of; makes no round trip."""
    # each of its connections has heard of another one
    return None if is_polled(storage) else last_transaction(storage)


def is_polled(storage):
    """RelStorage: asks its server anew for each transaction."""
    return hasattr(storage, 'poll_invalidations')


def last_transaction(storage):
    found = getattr(storage, 'lastTransaction', None)
    return None if found is None else found()


def describe(transaction):
    """A transaction as the answer shows it."""
    if not transaction or transaction == ROOT:
        return None
    return {
        'id': hexlify(transaction).decode('ascii'),
        'time': round(TimeStamp(transaction).timeTime(), 3),
    }


class RoundTrips:
    """The thread that asks, and what it saw."""

    def __init__(self):
        self._changed = threading.Condition()
        self._thread = None
        self._storage = None
        # monotonic times: of the question in flight, the last answer, the last
        # end of a question with or without an answer
        self._begun = None
        self._answered = None
        self._ended = None
        self._ends = 0
        self._took = None
        self._error = None
        self._server = None

    def look(self, storage, limit):
        """What is known after `limit` seconds at most.

        Returns whether the database answers, the fields of `roundTrip`, and the
        server's last transaction. The limit counts from the beginning of the
        question: once that is over, one that hangs keeps nobody waiting.
        """
        with self._changed:
            is_known = (
                self._ended is not None
                and time.monotonic() - self._ended < REUSE)
            if self._begun is None and not is_known:
                self._begin(storage)
            if self._begun is not None:
                is_known = self._wait(self._begun + limit)
            now = time.monotonic()
            is_well = is_known and self._error is None
            trip = {
                'ms': _milliseconds(self._took),
                'ageMs': _milliseconds(_since(self._answered, now)),
                'pendingMs': _milliseconds(_since(self._begun, now)),
                'error': self._error,
            }
            return is_well, trip, self._server

    def _begin(self, storage):
        self._storage = storage
        self._begun = time.monotonic()
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(
                target=self._run, name='zope-failover-probe')
            self._thread.daemon = True
            self._thread.start()
        self._changed.notify_all()

    def _wait(self, end):
        ends = self._ends
        while self._ends == ends:
            left = end - time.monotonic()
            if left <= 0:
                return False
            self._changed.wait(left)
        return True

    def _run(self):
        while True:
            with self._changed:
                while self._storage is None:
                    self._changed.wait()
                storage = self._storage
            server = error = None
            try:
                server = ask(storage)
            except BaseException as err:  # asyncio's CancelledError is one
                error = type(err).__name__
            storage = None
            with self._changed:
                self._end(server, error)

    def _end(self, server, error):
        now = time.monotonic()
        if error is None:
            self._server = server
            self._took = now - self._begun
            self._answered = now
        self._error = error
        self._ended = now
        self._ends += 1
        self._storage = self._begun = None
        self._changed.notify_all()


def _since(then, now):
    return None if then is None else now - then


def _milliseconds(seconds):
    return None if seconds is None else round(seconds * 1000, 1)


_of_process = {}


def round_trips():
    """Those of this process: a fork takes no thread along."""
    pid = os.getpid()
    found = _of_process.get(pid)
    # setdefault, not a lock, which a fork could take along locked
    return found or _of_process.setdefault(pid, RoundTrips())
