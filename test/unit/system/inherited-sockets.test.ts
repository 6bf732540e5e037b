import t from 'tap'
import { inheritedSockets } from '../../../system/inherited-sockets.ts'

const pid = 4711

void t.test('descriptors by name, from 3 on', t => {
  t.strictSame(
    [
      ...inheritedSockets(
        {
          LISTEN_PID: '4711',
          LISTEN_FDS: '2',
          LISTEN_FDNAMES: 'zope1:zope2',
        },
        pid,
      ),
    ],
    [
      ['zope1', 3],
      ['zope2', 4],
    ],
  )
  t.strictSame(
    [...inheritedSockets({ LISTEN_PID: '4711', LISTEN_FDS: '1' }, pid)],
    [['', 3]],
    'an old systemd gives no names',
  )
  t.strictSame(
    [
      ...inheritedSockets(
        { LISTEN_PID: '4711', LISTEN_FDS: '2', LISTEN_FDNAMES: 'zope1' },
        pid,
      ),
    ],
    [
      ['zope1', 3],
      ['', 4],
    ],
    'fewer names than descriptors',
  )
  t.end()
})

void t.test('without systemd, and those of a parent', t => {
  t.equal(inheritedSockets({}, pid).size, 0)
  t.equal(inheritedSockets({ LISTEN_PID: '4711' }, pid).size, 0)
  t.equal(
    inheritedSockets(
      { LISTEN_PID: '1', LISTEN_FDS: '1', LISTEN_FDNAMES: 'zope1' },
      pid,
    ).size,
    0,
  )
  t.end()
})
