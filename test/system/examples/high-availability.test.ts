// The configurations for keepalived and for balancers, as the real daemons read them.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { startNetwork } from '../../../lab/network.ts'
import { checkout, dist, publicDirectory } from '../../../lab/processes.ts'

const examples = resolve(dist, '../examples')
const daemons = resolve(checkout, '.venv/daemons/run')
const text = (file: string): string =>
  readFileSync(resolve(examples, file), 'utf8')
const run = (...command: string[]): string => {
  const [program = '', ...args] = command
  return execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe' })
}

void t.test('keepalived takes its file', async t => {
  // it looks for the interface
  const network = await startNetwork(t, { front1: '192.0.2.11' })
  const check = (file: string): string =>
    network.host('front1').run(daemons, 'keepalived', '-t', '-l', '-f', file)
  t.doesNotThrow(() => check(resolve(examples, 'keepalived/keepalived.conf')))
  const file = `${publicDirectory(t)}/keepalived.conf`
  const conf = text('keepalived/keepalived.conf')
  writeFileSync(file, conf.replace('advert_int 0.2', 'advert_int soon'))
  t.throws(() => check(file), 'and would not take a wrong one')
  const script = `${publicDirectory(t)}/zeo-pair`
  writeFileSync(script, text('tiers/zeo-pair'), { mode: 0o755 })
  const storage = text('tiers/storage-keepalived.conf')
  writeFileSync(file, storage.replaceAll('/usr/local/lib/zeo-pair', script))
  t.doesNotThrow(() => check(file), 'and that of the storage machines')
})

void t.test('the traps of keepalived stay shut', t => {
  const conf = text('keepalived/keepalived.conf')
    .split('\n')
    .map(line => line.replace(/#.*/, '').trim())
    .filter(line => line !== '')
  const has = (start: string): boolean =>
    conf.some(line => line.startsWith(start))
  for (const word of [
    'nopreempt',
    'preempt_delay',
    'vrrp_script',
    'state MASTER',
  ])
    t.notOk(has(word), word)
  t.ok(has('front weight 1'), 'a positive weight')
  t.ok(has('priority 100') && has('state BACKUP'), 'the same on both')
  t.ok(has('file /run/zope-failover/front.up'))
  t.match(
    text('systemd/zope-failover-monitor.service'),
    /^RuntimeDirectoryPreserve=yes$/m,
    'the directory stays',
  )
  t.end()
})

void t.test('HAProxy, nginx and Varnish take theirs', t => {
  const folder = 'behind-a-balancer'
  const path = (file: string): string => resolve(examples, folder, file)
  t.doesNotThrow(() => run('haproxy', '-c', '-q', '-f', path('haproxy.cfg')))
  const root = publicDirectory(t)
  for (const name of ['logs', 'tmp']) mkdirSync(`${root}/${name}`)
  const nginx = `${root}/nginx.conf`
  // what a package decides: where its own files are
  writeFileSync(
    nginx,
    `pid ${root}/pid;\n${text(`${folder}/nginx.conf`).replace(
      'http {',
      `http {\n${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(one => `${one}_temp_path ${root}/tmp/${one};`).join('\n')}\naccess_log ${root}/logs/access;`,
    )}`,
  )
  t.doesNotThrow(() =>
    run(daemons, 'nginx', '-t', '-e', `${root}/logs/error`, '-c', nginx),
  )
  t.doesNotThrow(() =>
    run(
      ...[daemons, 'varnishd', '-C', '-n', `${root}/varnish`],
      ...['-p', `vmod_path=${vmods()}`, '-f', path('varnish.vcl')],
    ),
  )
  const traefik: unknown = parse(text(`${folder}/traefik.yaml`))
  t.match(traefik, {
    http: {
      services: { fronts: { loadBalancer: { healthCheck: { path: '/up' } } } },
    },
  })
  t.end()
})

/** Where the unpacked Varnish has its modules, which it does not look for itself. */
function vmods(): string {
  const library = resolve(daemons, '../usr/lib')
  return run('find', library, '-name', 'vmods', '-type', 'd').trim()
}
