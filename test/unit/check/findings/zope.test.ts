import t from 'tap'
import {
  missingSite,
  questionsForSite,
  type SiteQuestion,
} from '../../../../check/findings/zope.ts'
import { parseConfig } from '../../../../config/parse.ts'
import { site } from '../facts.ts'

const config = parseConfig(
  'backends: { zope1: "http://h:1", zope2: "http://h:2" }\npools: { a: { members: [zope2] }, b: { members: [zope1] } }',
  '/c.yaml',
)

function questions(options: string): SiteQuestion[] {
  const facts = site('')
  return questionsForSite(
    {
      ...facts,
      generated: facts.generated.map(made => ({
        ...made,
        command: `zope-failover apache-conf${options}`,
      })),
    },
    config,
  )
}

void t.test('what is asked', t => {
  t.match(questions(' --site /Plone --pool b'), [
    {
      site: '/Plone',
      path: '/VirtualHostBase/http/localhost:80/Plone/VirtualHostRoot/',
      backends: [{ name: 'zope1' }],
    },
  ])
  t.match(questions(' --site=/Plone --pool=none'), [
    { site: '/Plone', backends: [{ name: 'zope2' }] },
  ])
  t.match(questions(''), [{ site: '' }])
  t.strictSame(questions(' --no-vhm'), [])
  t.strictSame(questions(' --part server'), [])
  t.end()
})

void t.test('what an answer means', t => {
  const [question] = questions(' --site /Plone')
  const [root] = questions('')
  if (question === undefined || root === undefined)
    throw new Error('no question')
  t.match(missingSite(question, { backend: 'zope1', status: 404 }), [
    {
      code: 'site-missing',
      severity: 'error',
      what: /^zope1 has no site \/Plone: it answers 404/,
      where: '/etc/g.conf',
    },
  ])
  t.match(missingSite(root, { backend: 'zope1', status: 404 }), [
    { what: /front page/, remedy: /--site \/Plone/ },
  ])
  for (const status of [200, 302, 401, 503])
    t.strictSame(missingSite(question, { backend: 'zope1', status }), [])
  t.strictSame(missingSite(question, undefined), [])
  t.end()
})
