import t from 'tap'
import { isEncoded, siteOptions } from '../../../config/site.ts'

void t.test('the values of the options --site and --url', t => {
  t.equal(siteOptions(undefined), undefined)
  t.strictSame(
    siteOptions({ path: '/my%20site/%C3%BC', origin: 'http/localhost:80' }),
    { path: '/my site/ü', url: undefined },
  )
  t.strictSame(siteOptions({ path: '', origin: 'https/[::1]:8443' }), {
    path: '',
    url: 'https://[::1]:8443',
  })
  t.end()
})

void t.test('percent escapes', t => {
  for (const good of ['/Plone', '/my%20site', '/%c3%bc'])
    t.ok(isEncoded(good), good)
  for (const bad of ['/%', '/%2', '/%zz', '/%ff', '/%c3'])
    t.notOk(isEncoded(bad), bad)
  t.end()
})
