import t from 'tap'
import {
  ClockOffset,
  NameClaim,
  presenceOf,
  retryMs,
} from '../../../cluster/presence.ts'

void t.test('only an echo shows that this machine is together', t => {
  const well = { lastEchoAt: 1_000, isDuplicate: false, lostOrders: 0 }
  t.equal(presenceOf(well, 5_000, 5_999), 'together')
  t.equal(presenceOf(well, 5_000, 6_000), 'alone')
  t.equal(presenceOf({ ...well, lastEchoAt: -Infinity }, 5_000, 0), 'alone')
  t.equal(presenceOf({ ...well, lostOrders: 1 }, 5_000, 2_000), 'older-data')
  t.equal(presenceOf({ ...well, lostOrders: 1 }, 5_000, 9_000), 'alone')
  t.equal(presenceOf({ ...well, isDuplicate: true }, 5_000, 0), 'duplicate')
  t.end()
})

void t.test('twice a second for two minutes, then up to five seconds', t => {
  t.equal(retryMs(0, 0.5), 500)
  t.equal(retryMs(119_999, 0), 375)
  t.equal(retryMs(119_999, 1), 625)
  t.equal(retryMs(180_000, 0.5), 1_000)
  t.equal(retryMs(1e9, 0.5), 5_000)
  t.end()
})

void t.test('the clock: the largest difference of the last five', t => {
  const offset = new ClockOffset()
  t.equal(offset.ms, undefined)
  offset.add(1_000, 1_020)
  t.equal(offset.ms, -20)
  offset.add(3_000, 3_005)
  t.equal(offset.ms, -5)
  for (let n = 0; n < 5; n++) offset.add(0, 100)
  t.equal(offset.ms, -100)
  t.end()
})

void t.test('a name is taken when its owner goes on writing', t => {
  const claim = new NameClaim()
  t.notOk(claim.observe('a', 1), 'it may be an old lease')
  t.notOk(claim.observe('a', 1), 'read again')
  t.notOk(claim.isDuplicate)
  t.notOk(claim.observe('b', 2), 'yet another one')
  t.ok(claim.observe('b', 3))
  t.ok(claim.isDuplicate)
  t.notOk(claim.observe('b', 4), 'reported once')
  claim.confirm()
  t.notOk(claim.isDuplicate)
  t.notOk(claim.observe('b', 5))
  t.end()
})
