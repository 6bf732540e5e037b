// What apache-conf makes, with every option and for every example: check is
// silent, and leaves no trace in the sentinel directory.
import { spawnSync } from 'node:child_process'
import {
  chownSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import t, { type Test } from 'tap'
import { apacheConf } from '../../../lab/apache-conf.ts'
import { check } from '../../../lab/check.ts'
import { loadModules } from '../../../lab/httpd.ts'
import { dist, publicDirectory } from '../../../lab/processes.ts'

const isRoot = process.getuid?.() === 0
const modules =
  'mpm_event authz_core unique_id headers env rewrite proxy proxy_http slotmem_shm proxy_balancer lbmethod_byrequests socache_shmcb ssl status alias dir'.split(
    ' ',
  )

type SetUp = {
  readonly yaml: string
  /** options of apache-conf, one list for each virtual host */
  readonly sites: readonly (readonly string[])[]
  readonly isServerLevel?: boolean
  readonly extra?: string
}

function setUp(t: Test, { yaml, sites, isServerLevel, extra }: SetUp): string {
  const root = publicDirectory(t)
  const run = `${root}/run`
  mkdirSync(run)
  writeFileSync(
    `${root}/zope-failover.yaml`,
    yaml
      .replace(/^directory:.*\n/m, '')
      .replace(/^/, `directory: ${run}\nstaleAfter: 1h\n`),
  )
  for (const name of ['zope1', 'zope2', 'zope3', 'zope4'])
    if (new RegExp(`\\b${name}\\b`).test(yaml))
      writeFileSync(`${run}/${name}.up`, '')
  writeFileSync(`${run}/zope-failover.map`, '')
  writeFileSync(
    `${run}/monitor.json`,
    JSON.stringify({ pid: process.pid, backends: {} }),
  )
  const soon = Date.now() / 1_000 + 1_800
  utimesSync(`${run}/monitor.json`, soon, soon)
  if (isRoot) {
    const [, , uid, gid] =
      readFileSync('/etc/passwd', 'utf8')
        .split('\n')
        .find(line => line.startsWith('www-data:'))
        ?.split(':') ?? []
    chownSync(run, Number(uid), Number(gid))
  }
  const includes = sites.map((options, index) => {
    const file = `${root}/generated-${index}.conf`
    writeFileSync(file, apacheConf(`${root}/zope-failover.yaml`, ...options))
    return isServerLevel === true
      ? `Include ${file}`
      : `<VirtualHost *:8098>\nServerName site${index}.example.org\nInclude ${file}\n</VirtualHost>`
  })
  writeFileSync(
    `${root}/httpd.conf`,
    `ServerRoot ${root}
DefaultRuntimeDir ${root}
PidFile ${root}/httpd.pid
Listen 127.0.0.1:8098
ServerName www.example.org:8098
DocumentRoot ${root}
ErrorLog ${root}/error.log
${isRoot ? 'User www-data\nGroup www-data' : ''}
${loadModules(modules)}
${extra ?? ''}
${includes.join('\n')}
`,
  )
  return root
}

const checked = async (root: string, ...options: string[]) =>
  check(
    `--config=${root}/zope-failover.yaml`,
    `--httpd-conf=${root}/httpd.conf`,
    ...options,
  )

/** Names, contents and times. */
function traceOf(directory: string): string[] {
  return readdirSync(directory).map(name => {
    const { ino, mtimeMs } = statSync(`${directory}/${name}`)
    return `${name} ${ino} ${mtimeMs}`
  })
}

const two = `backends:
  zope1: http://127.0.0.1:18081
  zope2: http://127.0.0.1:18082
`
const pools = `${two}pools:
  shop: { policy: balance }
  intranet: { members: [zope2, zope1], whenAllDown: try-all }
`
const example = (name: string): string =>
  readFileSync(
    new URL(`../../../examples/${name}/zope-failover.yaml`, import.meta.url),
    'utf8',
    // check asks the Zopes for the site: those of another machine stay alone
  ).replaceAll('//10.0.0.', '//127.0.0.')

const setUps: Record<string, SetUp> = {
  'one site': { yaml: two, sites: [[]] },
  'at server level': { yaml: two, sites: [[]], isServerLevel: true },
  'every option': {
    yaml: two,
    sites: [
      [
        '--url=https://www.example.org',
        '--site=/Plone',
        '--cookie=bound_to',
        '--affinity=url',
        '--timeout=90s',
        '--max-connections=10',
        '--exclude=/.well-known/acme-challenge',
        '--retry-after=1m',
        ...(isRoot ? ['--map-user=www-data:www-data'] : []),
      ],
    ],
  },
  'no cookie, by address': {
    yaml: two,
    sites: [['--no-cookie', '--affinity=address']],
  },
  'without VirtualHostMonster': { yaml: two, sites: [['--no-vhm']] },
  'https backends': {
    yaml: two.replaceAll('http:', 'https:'),
    sites: [[]],
  },
  'https, certificates not checked': {
    yaml: `${two.replaceAll('http:', 'https:')}probe: { verify: false }\n`,
    sites: [[]],
  },
  'style txt': { yaml: pools, sites: [['--style=txt', '--pool=shop']] },
  'style sentinel': { yaml: two, sites: [['--style=sentinel']] },
  'no second chance': { yaml: two, sites: [['--no-second-chance']] },
  'reports to the monitor': {
    yaml: two,
    sites: [['--observe']],
  },
  'several sites and pools': {
    yaml: pools,
    sites: [['--pool=shop'], ['--pool=intranet', '--site=/intranet']],
  },
  'another site next to it': {
    yaml: two,
    sites: [[]],
    extra:
      '<VirtualHost *:8098>\nServerName static.example.org\nDocumentRoot /\n</VirtualHost>',
  },
  'example two-zopes': { yaml: example('two-zopes'), sites: [[]] },
  'example balance': {
    yaml: example('balance'),
    sites: [['--pool=visitors'], ['--pool=editors']],
  },
}

for (const [name, wanted] of Object.entries(setUps))
  void t.test(name, async t => {
    const root = setUp(t, wanted)
    const before = traceOf(`${root}/run`)
    const { code, report } = await checked(root)
    const text = JSON.stringify(report)
    t.equal(code, 0, text)
    const [several] = report.findings
    if (wanted.sites.length > 1) t.equal(several?.code, 'several-maps')
    t.equal(report.findings.length, wanted.sites.length > 1 ? 1 : 0, text)
    t.equal(report.seen.servers[0]?.files, wanted.sites.length + 1)
    const isPrg = !/--style/.test(wanted.sites.flat().join(' '))
    t.equal(report.seen.servers[0]?.maps, isPrg ? 1 : 0, 'the map was asked')
    t.strictSame(traceOf(`${root}/run`), before, 'no trace is left')
  })

const run = (...args: string[]) =>
  spawnSync(process.execPath, [`${dist}/cli/main.js`, 'check', ...args], {
    encoding: 'utf8',
  })

void t.test('which options it gets', async t => {
  const root = setUp(t, { yaml: two, sites: [['--pool=default']] })
  const { report } = await checked(root, '--no-trial')
  t.equal(report.seen.servers[0]?.maps, 0)
  const config = `--config=${root}/zope-failover.yaml`
  const conf = `--httpd-conf=${root}/httpd.conf`
  const quiet = run(config, conf)
  // as Debian keeps the variables of its configuration
  writeFileSync(`${root}/envvars`, `export ZF_LOG=${root}/error.log\n`)
  const text = readFileSync(`${root}/httpd.conf`, 'utf8')
  writeFileSync(
    `${root}/httpd.conf`,
    text.replace(/^ErrorLog .*$/m, 'ErrorLog ${ZF_LOG}'),
  )
  t.equal(run(config, conf).stdout, quiet.stdout, 'envvars are read')
  t.match(quiet.stdout, /^nothing found; looked at .*1 maps asked/)
  t.equal(quiet.stderr, '')
  writeFileSync(`${root}/run/zopeX.up`, '')
  const loud = run(config, conf)
  t.equal(loud.status, 1)
  t.match(
    loud.stdout,
    /^warning directory-problem\n {2}zopeX\.up has no meaning/,
  )
  t.equal(run(config, conf, '--fail-on=error').status, 0)
  t.equal(run(config, conf, '--wait=soon').status, 2)
  t.equal(run('--config=/does/not/exist.yaml').status, 2)
  const none = run(config, `--httpd-conf=${root}/none.conf`)
  t.match(none.stdout, /error httpd-not-found/)
})
