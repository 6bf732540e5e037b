"""The package of examples/zope where a database of its own is in the way: what
hangs, fails or forks at a moment that the test chooses. Real storages elsewhere.
"""
import ast
import glob
import json
import os
import shutil
import sys
import tempfile
import threading
import time
import unittest
from unittest import mock

import transaction
import ZODB
from ZODB.DemoStorage import DemoStorage
from ZODB.FileStorage import FileStorage
from ZODB.MappingStorage import MappingStorage

import zope_failover_probe
from zope_failover_probe import database
from zope_failover_probe import view
from zope_failover_probe.workers import workers


LONG = 60
SHORT = 0.05


class Hanging:
    """A ZEO client whose server answers when the test lets it."""

    def __init__(self):
        self.questions = 0
        self.answers = threading.Semaphore(0)
        self.failure = None

    def server_status(self):
        self.questions += 1
        self.answers.acquire()
        if self.failure is not None:
            raise self.failure
        return {'last-transaction': '03f8000000000000'}

    def lastTransaction(self):
        return b'\x03\xf7' + b'\0' * 6


class RoundTripsTest(unittest.TestCase):

    def setUp(self):
        self.trips = database.RoundTrips()
        self.storage = Hanging()
        # the clock decides nothing here, `forget` does
        young = mock.patch.object(database, 'REUSE', 24 * 3600)
        young.start()
        self.addCleanup(young.stop)

    def look(self, limit=LONG):
        return self.trips.look(self.storage, limit)

    def forget(self):
        """As if the last end were not young any more."""
        self.trips._ended -= database.REUSE

    def test_an_answer(self):
        self.storage.answers.release()
        is_well, trip, server = self.look()
        self.assertTrue(is_well)
        self.assertEqual(server, b'\x03\xf8' + b'\0' * 6)
        self.assertIsNone(trip['pendingMs'])
        self.assertIsNone(trip['error'])
        self.assertGreaterEqual(trip['ms'], 0)
        self.assertGreaterEqual(trip['ageMs'], 0)

    def test_a_young_answer_is_used_again(self):
        self.storage.answers.release()
        self.look()
        self.assertTrue(self.look()[0])
        self.assertEqual(self.storage.questions, 1)
        self.forget()
        self.storage.answers.release()
        self.assertTrue(self.look()[0])
        self.assertEqual(self.storage.questions, 2)

    def test_one_question_at_a_time_however_many_look(self):
        looks = [
            threading.Thread(target=self.look, args=(SHORT,))
            for _ in range(20)]
        for look in looks:
            look.start()
        for look in looks:
            look.join()
        self.assertEqual(self.storage.questions, 1)
        self.storage.answers.release()

    def test_who_comes_later_does_not_wait_for_a_question_that_hangs(self):
        is_well, trip, server = self.look(SHORT)
        self.assertFalse(is_well)
        self.assertIsNone(trip['ms'])
        self.assertIsNone(trip['ageMs'])
        self.assertGreaterEqual(trip['pendingMs'], SHORT * 1000)
        self.assertIsNone(server)
        self.trips._changed.wait = self.fail
        self.assertFalse(self.look(SHORT)[0])
        del self.trips._changed.wait
        self.storage.answers.release()
        self.assertTrue(self.look()[0], 'the late answer is one')
        self.assertEqual(self.storage.questions, 1)

    def test_a_failure_is_named_until_an_answer_comes(self):
        self.storage.answers.release()
        took = self.look()[1]['ms']
        self.forget()
        self.storage.failure = OSError('secret')
        self.storage.answers.release()
        is_well, trip, server = self.look()
        self.assertFalse(is_well)
        self.assertEqual(trip['error'], 'OSError')
        self.assertEqual(trip['ms'], took, 'of the last answer')
        self.assertIsNotNone(server)
        self.assertFalse(self.look()[0], 'a young failure is used again')
        self.forget()
        self.storage.failure = None
        self.storage.answers.release()
        is_well, trip, server = self.look()
        self.assertTrue(is_well)
        self.assertIsNone(trip['error'])

    def test_not_even_an_exit_ends_the_thread(self):
        for failure in (SystemExit(), KeyboardInterrupt(), GeneratorExit()):
            self.storage.failure = failure
            self.storage.answers.release()
            self.assertEqual(
                self.look()[1]['error'], type(failure).__name__)
            self.forget()

    def test_a_fork_has_a_thread_of_its_own(self):
        hanging = Hanging()
        self.assertFalse(database.round_trips().look(hanging, SHORT)[0])
        child = os.fork()
        if child == 0:
            code = 1
            try:
                self.storage.answers.release()
                trips = database.round_trips()
                code = 0 if trips.look(self.storage, LONG)[0] else 1
            finally:
                os._exit(code)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        hanging.answers.release()


class StorageTest(unittest.TestCase):

    def ask(self, storage):
        return database.RoundTrips().look(storage, LONG)

    def test_real_storages_without_a_server(self):
        directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, directory)
        for storage in (
            FileStorage(os.path.join(directory, 'Data.fs')),
            MappingStorage(),
            DemoStorage(),
        ):
            # ZODB makes the root object
            db = ZODB.DB(storage)
            is_well, trip, server = self.ask(db.storage)
            self.assertTrue(is_well, trip)
            self.assertIsNone(server)
            own = database.describe(database.own_transaction(db.storage))
            self.assertLess(abs(own['time'] - time.time()), LONG)
            self.assertRegex(own['id'], '^[0-9a-f]{16}$')
            with db.transaction() as connection:
                connection.root()['changed'] = True
            later = database.describe(database.own_transaction(db.storage))
            self.assertGreater(later['id'], own['id'])
            db.close()

    def test_a_question_writes_nothing(self):
        db = ZODB.DB(MappingStorage())
        before = db.storage.lastTransaction()
        self.ask(db.storage)
        transaction.commit()
        self.assertEqual(db.storage.lastTransaction(), before)
        db.close()

    def test_a_storage_that_has_nothing(self):
        storage = object()
        is_well, trip, server = self.ask(storage)
        self.assertTrue(is_well)
        self.assertIsNone(server)
        self.assertIsNone(database.own_transaction(storage))

    def test_a_server_that_does_not_say_its_transaction(self):
        class Old:
            def server_status(self):
                return {}
        self.assertEqual(self.ask(Old())[::2], (True, None))

    def test_a_storage_that_polls_gets_its_connection_back(self):
        done = []

        class Instance:
            def poll_invalidations(self):
                done.append('poll')

            def lastTransaction(self):
                return b'\x03\xf8' + b'\0' * 6

            def release(self):
                done.append('release')

        class Polling(Instance):
            def new_instance(self):
                return Instance()

        is_well, trip, server = self.ask(Polling())
        self.assertTrue(is_well)
        self.assertEqual(server, b'\x03\xf8' + b'\0' * 6)
        self.assertEqual(done, ['poll', 'release'])
        self.assertIsNone(database.own_transaction(Polling()))

    def test_no_transaction(self):
        for none in (None, b'', b'\0' * 8):
            self.assertIsNone(database.describe(none))
        self.assertEqual(
            database.describe(b'\x03\xf8' + b'\0' * 6)['id'],
            '03f8000000000000')


class ViewTest(unittest.TestCase):

    def test_the_limit(self):
        name = 'ZOPE_FAILOVER_PROBE_LIMIT'
        self.addCleanup(os.environ.pop, name, None)
        for text, seconds in (
            (None, 1), ('0.25', 0.25), ('10', 10), (' 2 ', 2),
            ('', 1), ('0', 1), ('-1', 1), ('11', 1), ('nan', 1),
            ('inf', 1), ('soon', 1),
        ):
            if text is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = text
            self.assertEqual(view.limit(), seconds, text)

    def test_the_answer(self):
        storage = Hanging()
        storage.answers.release()
        is_well, answer = view.report(storage)
        self.assertTrue(is_well)
        self.assertEqual(
            set(json.loads(json.dumps(answer))),
            {'version', 'roundTrip', 'transaction', 'workers', 'process'})
        self.assertEqual(
            answer['transaction']['own']['id'], '03f7000000000000')
        self.assertEqual(
            answer['transaction']['server']['id'], '03f8000000000000')
        self.assertEqual(answer['process']['pid'], os.getpid())

    def test_not_in_waitress(self):
        self.assertIsNone(workers())

    def test_python_3_6_can_read_it(self):
        directory = os.path.dirname(zope_failover_probe.__file__)
        files = glob.glob(os.path.join(directory, '*.py'))
        self.assertTrue(files)
        for path in files:
            with open(path) as file:
                text = file.read()
            if sys.version_info >= (3, 8):
                ast.parse(text, path, feature_version=(3, 6))
