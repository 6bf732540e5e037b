"""The page @@probe."""
import json
import os
import time

import Zope2
from Products.Five.browser import BrowserView

from zope_failover_probe.database import describe
from zope_failover_probe.database import own_transaction
from zope_failover_probe.database import round_trips
from zope_failover_probe.workers import workers


_loaded = time.monotonic()


def limit():
    """How long the database may take, in seconds."""
    try:
        seconds = float(os.environ.get('ZOPE_FAILOVER_PROBE_LIMIT', '1'))
    except ValueError:
        return 1.0
    return seconds if 0 < seconds <= 10 else 1.0


def report(storage):
    """Whether all is well, and the answer."""
    is_well, trip, server = round_trips().look(storage, limit())
    return is_well, {
        'version': 1,
        'roundTrip': trip,
        'transaction': {
            'own': describe(own_transaction(storage)),
            'server': describe(server),
        },
        'workers': workers(),
        'process': {
            'pid': os.getpid(),
            'uptimeSeconds': round(time.monotonic() - _loaded, 1),
        },
    }


class ProbeView(BrowserView):

    def __call__(self):
        # the main database, whatever is mounted where this is asked
        is_well, answer = report(Zope2.DB.storage)
        response = self.request.response
        response.setStatus(200 if is_well else 503)
        response.setHeader('Content-Type', 'application/json')
        response.setHeader('Cache-Control', 'no-store')
        return json.dumps(answer, separators=(',', ':'))
