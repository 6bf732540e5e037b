// TLS with client certificates, a user whose role has the prefix alone, tokens that are no
// longer valid, wrong passwords; and no secret in what the programs say.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:https'
import t from 'tap'
import { selfSigned, selfSignedClient } from '../../../lab/certificate.ts'
import { Etcd } from '../../../lab/etcd.ts'
import {
  newMachine,
  startBackend,
  startMachines,
  untilState,
} from '../../../lab/machines.ts'
import { publicDirectory, until } from '../../../lab/processes.ts'

const password = 'correct-horse-battery'

void t.test('TLS, user, tokens, passwords', async t => {
  const place = publicDirectory(t)
  const server = selfSigned('localhost')
  const client = selfSignedClient('localhost')
  const file = (name: string, text: string, mode = 0o600): string => {
    writeFileSync(`${place}/${name}`, text, { mode })
    chmodSync(`${place}/${name}`, mode)
    return `${place}/${name}`
  }
  const ca = file('ca.pem', server.cert)
  const cert = file('client.pem', client.cert)
  const key = file('client.key', client.key)
  const agent = { https: new Agent({ ca: server.cert, ...client }) }
  t.teardown(() => agent.https.destroy())
  const etcd = await Etcd.start(t, {
    members: 1,
    tls: {
      args: [
        `--cert-file=${file('server.pem', server.cert)}`,
        `--key-file=${file('server.key', server.key)}`,
        '--client-cert-auth',
        `--trusted-ca-file=${file('clients.pem', server.cert + client.cert)}`,
      ],
      agent,
      env: { ETCDCTL_CACERT: ca, ETCDCTL_CERT: cert, ETCDCTL_KEY: key },
    },
  })
  etcd.ctl('user', 'add', `root:${password}-root`)
  etcd.ctl('user', 'grant-role', 'root', 'root')
  etcd.ctl('role', 'add', 'zope-failover')
  const role = ['role', 'grant-permission', 'zope-failover', 'readwrite']
  etcd.ctl(...role, '/zope-failover/default/', '--prefix')
  etcd.ctl('user', 'add', `zope-failover:${password}`)
  etcd.ctl('user', 'grant-role', 'zope-failover', 'zope-failover')
  etcd.ctl('auth', 'enable')

  const secret = file('etcd.password', `${password}\n`)
  const options = {
    backends: { zope1: await startBackend(t), zope2: await startBackend(t) },
    etcd: etcd.urls,
    cluster: { ca, cert, key, user: 'zope-failover', passwordFile: secret },
  }
  const [fe1, fe2] = await startMachines(t, ['fe1', 'fe2'], options)
  if (fe1 === undefined || fe2 === undefined) return
  t.match(await fe1.run('drain', 'zope1'), { stdout: /on fe1 fe2\n/ })

  // a member that restarts has forgotten every token
  const [member] = etcd.members
  if (member === undefined) return
  await etcd.kill(member)
  etcd.restart(member)
  await etcd.healthy()
  await untilState('together', fe1, fe2)
  t.match(await fe1.run('ready', 'zope1'), { stdout: /on fe1 fe2\n/ })

  // check finds nothing wrong with etcd and its user
  const check = await fe1.run('check', '--json', '--no-trial')
  t.strictSame(
    [...check.stdout.matchAll(/"code":"(cluster-[a-z-]+)"/g)]
      .map(([, code]) => code)
      .filter(code => code !== 'cluster-etcd-old'),
    [],
  )

  // a wrong password, a wrong prefix, a password file that others can read
  const wrong = newMachine(t, 'fe3', {
    ...options,
    cluster: {
      ...options.cluster,
      passwordFile: file('wrong.password', 'another-password\n'),
    },
  })
  wrong.start()
  await until('it is refused', () =>
    wrong.cluster()?.engine.problem?.includes('etcd refuses user'),
  )
  t.match(await wrong.run('drain', 'zope1'), {
    code: 1,
    stderr: /check cluster\.user and the password in cluster\.passwordFile/,
  })
  wrong.configure({}, { prefix: '/zope-failover/other', passwordFile: secret })
  t.match(await wrong.run('drain', 'zope1'), {
    code: 1,
    stderr: /give its role readwrite on the prefix \/zope-failover\/other\//,
  })
  wrong.configure({}, { passwordFile: file('open.password', password, 0o644) })
  t.match(await wrong.run('drain', 'zope1'), {
    code: 1,
    stderr: /open\.password must be writable only by its owner .* got mode 644/,
  })
  t.notOk(fe2.file('zope1.drain'))

  const said = [
    ...[fe1, fe2, wrong].flatMap(machine => [
      machine.monitor?.output(),
      machine.file('monitor.json'),
    ]),
    readFileSync(fe1.cache, 'utf8'),
    check.stdout,
  ].join('\n')
  for (const text of [password, 'another-password', 'PRIVATE KEY'])
    t.notOk(said.includes(text), 'no secret')
})
