import t from 'tap'
import { isOlder, View, type Read } from '../../../cluster/view.ts'

const header = { clusterId: 'a', revision: 10, term: 3 }

function read(revision: number, ...keys: readonly [string, number][]): Read {
  return {
    header: { ...header, revision },
    values: keys.map(([key, at]) => ({
      key,
      value: `${key}@${at}`,
      revision: at,
    })),
    isCut: false,
  }
}

void t.test('older data: another cluster, a smaller revision or term', t => {
  t.notOk(isOlder(undefined, header))
  t.notOk(isOlder(header, header))
  t.notOk(isOlder(header, { clusterId: 'a', revision: 11, term: 4 }))
  t.ok(isOlder(header, { ...header, clusterId: 'b', revision: 99 }))
  t.ok(isOlder(header, { ...header, revision: 9 }))
  t.ok(isOlder(header, { ...header, term: 2, revision: 99 }))
  t.end()
})

void t.test('nothing older replaces something newer', t => {
  const view = new View()
  t.ok(view.put({ key: 'x', value: '2', revision: 2 }))
  t.notOk(view.put({ key: 'x', value: '1', revision: 1 }))
  t.notOk(view.remove('x', 2))
  t.equal(view.get('x')?.value, '2')
  t.ok(view.remove('x', 3))
  t.notOk(view.put({ key: 'x', value: '2', revision: 3 }), 'an old event')
  t.equal(view.get('x'), undefined)
  t.ok(view.put({ key: 'x', value: '4', revision: 4 }))
  t.strictSame(
    [...view.values].map(({ key }) => key),
    ['x'],
  )
  t.notOk(view.remove('never', 9))
  t.end()
})

void t.test('deletions are not remembered without limit', t => {
  const view = new View()
  for (let n = 0; n <= 10_000; n++) view.remove(`k${n}`, 5)
  t.ok(view.put({ key: 'k0', value: '', revision: 1 }), 'forgotten')
  t.notOk(view.put({ key: 'k9999', value: '', revision: 1 }))
  t.end()
})

void t.test('a read removes what is missing in it', t => {
  const view = new View()
  t.strictSame(view.load('p/', read(10, ['p/a', 4], ['p/b', 5]), false), [
    'p/a',
    'p/b',
  ])
  view.put({ key: 'p/late', value: '', revision: 12 })
  view.put({ key: 'q', value: '', revision: 1 })
  t.strictSame(view.load('p/', read(11, ['p/a', 4]), false), ['p/b'])
  t.ok(view.get('p/late'), 'written after the read')
  t.ok(view.get('q'), 'not below the prefix')
  t.strictSame(
    view.load('p/', read(3, ['p/c', 2]), true).toSorted(),
    ['p/a', 'p/c', 'p/late'],
    'older data counts from its own beginning',
  )
  t.strictSame(
    [...view.values].map(({ key }) => key),
    ['p/c'],
  )
  t.end()
})
