import t from 'tap'
import { warmUpPages } from '../../../config/warm-up.ts'

const member = (name: string) => ({ name, weight: 1, tier: 1 })
const members = [member('a'), member('b')]
const site = { origin: 'https/www.example.org:443', path: '/Plone' }
const base = '/VirtualHostBase/https/www.example.org:443/Plone/VirtualHostRoot'

void t.test('paths are as visitors see them', t => {
  t.same(warmUpPages([{ members, site }], 'a', ['/', '/news']), [
    { shown: '/', path: `${base}/` },
    { shown: '/news', path: `${base}/news` },
  ])
  t.same(
    warmUpPages([{ members }], 'a', ['/Plone']),
    [{ shown: '/Plone', path: '/Plone' }],
    'without a site they are those of Zope',
  )
  t.same(
    warmUpPages([{ members, site }], 'a', [`${base}/x`]),
    [{ shown: `${base}/x`, path: `${base}/x` }],
    'one that is already wrapped',
  )
  t.end()
})

void t.test('its own pages, else those of its pools', t => {
  const pools = [
    { members, site, warmUp: ['/news'] },
    { members: [member('b')], warmUp: ['/other', '/other'] },
    { members, site },
  ]
  const shown = (name: string, paths?: readonly string[]): string[] =>
    warmUpPages(pools, name, paths).map(page => page.path)
  t.same(shown('a'), [`${base}/news`])
  t.same(shown('b'), [`${base}/news`, '/other'])
  t.same(shown('b', ['/x']), [`${base}/x`, '/x'], 'for each of its sites')
  t.same(shown('b', []), [], 'none')
  t.same(shown('c'), [])
  t.same(shown('c', ['/x']), ['/x'], 'it is in no pool')
  t.end()
})
