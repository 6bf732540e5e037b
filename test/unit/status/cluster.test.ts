import t from 'tap'
import {
  clockText,
  clusterList,
  clusterSentence,
  lostOrders,
  machineNotes,
} from '../../../status/cluster.ts'
import type { ClusterReport } from '../../../sentinels/reports.ts'
import { aMachine, lostOrder } from '../../fixtures/cluster-report.ts'

const machine = aMachine({ ageMs: 5 })
const order = { ...lostOrder, isLost: false }
const report: ClusterReport = {
  name: 'fe1',
  state: 'older-data',
  since: '2026-11-28T00:00:00Z',
  engine: { url: null, problem: 'no\u0007' },
  members: {
    fe1: machine,
    fe2: {
      ...machine,
      clockMs: -2_500,
      settingsDiffer: true,
      differing: ['*', 'zope1'],
      own: ['zope1.drain'],
    },
    fe3: { ...machine, state: 'away', version: null },
  },
  differs: { zope1: { fe2: 'down' } },
  orders: { 'zope1.drain': order, 'zope2.maint': lostOrder },
}

void t.test('the machines in words', t => {
  t.equal(
    clusterSentence(report),
    'cluster: fe1 is together, but etcd has OLDER DATA: the orders that it lost stay in effect (no\\u0007)',
  )
  t.equal(
    clusterSentence({
      ...report,
      state: 'together',
      engine: { url: 'u', problem: null },
    }),
    'cluster: fe1 is together with the others',
  )
  t.strictSame(lostOrders(report), [
    'order lost by etcd, still in effect: zope2.maint; to write it to etcd again: zope-failover cluster adopt; to end it: zope-failover ready zope2',
  ])
  t.strictSame(machineNotes('fe2', report), [
    'zope1 is down there',
    'settings differ: pools, zope1',
    'its clock differs by -2.5s',
    'files made by hand: zope1.drain',
  ])
  t.strictSame(machineNotes('fe2', report, false), [
    'settings differ: pools, zope1',
    'its clock differs by -2.5s',
  ])
  t.strictSame(machineNotes('fe1', report), [])
  t.strictSame(machineNotes('none', report), [])
  t.strictSame(
    [clockText(null), clockText(320), clockText(-1)],
    ['-', '+0.3s', '-0.0s'],
  )
  t.strictSame(
    clusterList(report).map(({ tone }) => tone),
    ['bad', 'bad', 'good', 'warn', 'warn'],
  )
  t.match(clusterList({ ...report, state: 'together' })[0], { tone: 'good' })
  t.match(
    clusterList({ ...report, members: { fe9: { ...machine, clockMs: null } } }),
    [{}, {}, { text: 'machine fe9: live, 1', tone: 'good' }],
  )
  t.end()
})
