// How much check reads. Counts, not times: a text for 100 backends has 30,000 lines.
import { mkdirSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { gatherHttpd } from '../../../check/gather.ts'
import { freshApacheConf } from '../../../cli/apache-conf.ts'
import { loadModules } from '../../../lab/httpd.ts'
import { publicDirectory } from '../../../lab/processes.ts'

type Read = { readonly directives: number; readonly made: number }

/** Two virtual hosts with the file of a pool of so many backends. */
async function read(t: Test, backends: number, more = ''): Promise<Read> {
  const root = publicDirectory(t)
  mkdirSync(`${root}/run`)
  const configFile = `${root}/zope-failover.yaml`
  const lines = Array.from(
    { length: backends },
    (_, at) => `  zope${at}: http://127.0.0.1:${9_000 + at}\n`,
  )
  writeFileSync(
    configFile,
    `directory: ${root}/run\nbackends:\n${lines.join('')}`,
  )
  const command = ['zope-failover', 'apache-conf', '--config', configFile]
  const made = freshApacheConf(command)
  if (made.kind === 'refused') throw new Error(made.why)
  const file = `${root}/generated.conf`
  writeFileSync(file, made.text + more)
  const confFile = `${root}/httpd.conf`
  writeFileSync(
    confFile,
    `${loadModules(['mpm_event', 'rewrite'])}\n${`<VirtualHost *:80>\nInclude ${file}\n</VirtualHost>\n`.repeat(2)}`,
  )
  let count = 0
  const gathered = await gatherHttpd({
    httpd: undefined,
    confFile,
    unit: undefined,
    configFile,
    fresh: words => {
      count++
      return freshApacheConf(words)
    },
  })
  if (gathered.kind === 'none') throw new Error(gathered.why)
  const { conf, generated } = gathered.facts
  t.strictSame(
    generated.map(one => one.file),
    [file],
  )
  t.equal(generated[0]?.text, made.text + more, 'the whole text is kept')
  return { directives: conf.directives.length, made: count }
}

void t.test('with the backends, not with their square', async t => {
  const [one, two, three] = [
    await read(t, 10),
    await read(t, 20),
    await read(t, 30),
  ]
  t.equal(one.made, 1, 'the text is made once, however often it is included')
  t.equal(three.directives - two.directives, two.directives - one.directives)
})

void t.test('a text that was changed is read as it is', async t => {
  const { directives } = await read(t, 10)
  const changed = await read(t, 10, 'Header set X-Mine 1\n')
  // twice: two BalancerMember and a ProxySet for each of 90 pairs, and that line
  t.equal(changed.directives - directives, 2 * (3 * 90 + 1))
})

const fresh = (...words: string[]): unknown =>
  freshApacheConf(['zope-failover', 'apache-conf', ...words])

void t.test('what cannot be made today', t => {
  t.match(fresh('--config', '/nowhere/x.yaml'), {
    kind: 'refused',
    why: /\/nowhere\/x\.yaml/,
  })
  t.match(fresh('--no-such-option'), {
    kind: 'refused',
    why: /unknown option '--no-such-option'/,
  })
  t.end()
})
