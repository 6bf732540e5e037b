"""Pages that make a Zope ill, for lab/zope.ts.

Each says on stderr when it begins, so that a test need not guess.
"""
import ctypes
import json
import os
import signal
import sys
import threading
import time
from collections import Counter

import transaction
from OFS.Folder import manage_addFolder
from persistent.mapping import PersistentMapping
from Products.Five.browser import BrowserView
from waitress.channel import HTTPChannel


# SIGUSR1 ends every deadlock page: with all workers stuck no page could.
_released = threading.Event()
signal.signal(signal.SIGUSR1, lambda *_: _released.set())

# the first page of a process was made
_warm = threading.Event()

# one file says what every page does: nothing, "raise" or "site-error"
_mode_file = os.environ['LAB_MODE_FILE']


# how often each page was begun, and a heartbeat answered
_asked = Counter()
_asked_lock = threading.Lock()


def note(name):
    with _asked_lock:
        _asked[name] += 1


def note_page(event):
    note(event.request['PATH_INFO'])


# no page, no log: only waitress itself knows of a heartbeat
_send_continue = HTTPChannel.send_continue


def send_continue(channel):
    note('heartbeat')
    return _send_continue(channel)


HTTPChannel.send_continue = send_continue


class SiteError(Exception):
    """Shown as a page with status 200, as some sites do."""


class SiteErrorPage(BrowserView):

    def __call__(self):
        self.request.response.setStatus(200)
        return '<h1>Site Error</h1><p>An error was encountered.</p>'


def fail(event):
    """Before each page."""
    try:
        with open(_mode_file) as file:
            mode = file.read()
    except FileNotFoundError:
        return
    if mode == 'raise':
        raise RuntimeError('the lab makes every page fail')
    if mode == 'site-error':
        raise SiteError()


class Lab(BrowserView):

    def seconds(self):
        return float(self.request.form['seconds'])

    def links(self):
        """A page with a link, and the name of the Zope that made it."""
        self.request.response.setHeader('X-Backend', os.environ['LAB_NAME'])
        return '<a href="%s/news">news</a>' % self.context.absolute_url()

    def add_site(self):
        """Below the root, where sites usually are."""
        manage_addFolder(self.context, 'site')
        return 'added'

    def wait(self):
        """An ordinary page, which names the Zope that made it."""
        self.request.response.setHeader('X-Backend', os.environ['LAB_NAME'])
        time.sleep(self.seconds())
        return 'waited'

    def begin(self, name):
        print('lab: %s begins' % name, file=sys.stderr, flush=True)

    def slow(self):
        self.begin('slow')
        time.sleep(self.seconds())
        return 'slow'

    def cold(self):
        """Takes long once, as the first page of a Plone does."""
        self.begin('cold')
        if not _warm.is_set():
            time.sleep(self.seconds())
            _warm.set()
        return self.request['URL']

    def burn(self):
        """Needs the processor, but lets other threads have it."""
        self.begin('burn')
        end = time.monotonic() + self.seconds()
        while time.monotonic() < end:
            sum(range(1000))
        return 'burnt'

    def hold(self):
        """Holds the interpreter, as an extension can: PyDLL does not let go."""
        self.begin('hold')
        ctypes.PyDLL(None).usleep(int(self.seconds() * 1000000))
        return 'held'

    def deadlock(self):
        self.begin('deadlock')
        _released.wait()
        return 'released'

    def fresh(self):
        """Reads the root object from the database, past every cache."""
        self.begin('fresh')
        root = self.jar().root()
        root._p_activate()
        data = self.jar().db().storage.loadSerial(root._p_oid, root._p_serial)
        return str(len(data))

    def count(self):
        """Served from the object cache, once it is there."""
        return str(self.jar().root().get('lab', {}).get('count', 0))

    def add(self):
        root = self.jar().root()
        lab = root.get('lab')
        if lab is None:
            lab = root['lab'] = PersistentMapping()
        lab['count'] = lab.get('count', 0) + 1
        # here, so that the answer comes after it
        transaction.commit()
        return str(lab['count'])

    def asked(self):
        """Of this process: name or path to number."""
        with _asked_lock:
            return json.dumps(_asked)

    def jar(self):
        return self.context.getPhysicalRoot()._p_jar
