// TLS with client certificates, a user whose role has the prefix alone, tokens that are no
// longer valid, wrong passwords; and no secret in what the programs say.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { got } from 'got'
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
  const expired = selfSignedClient('localhost', Date.now() - 1_000)
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
        `--trusted-ca-file=${file('clients.pem', server.cert + client.cert + expired.cert)}`,
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
  etcd.ctl('user', 'add', `guest:${password}`)
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

  // a user without a role, another authority, a client certificate that has expired
  for (const [keys, remedy] of [
    [{ user: 'guest' }, /refuses user guest .*: give its role readwrite on/],
    [{ ca: cert }, /SELF_SIGNED_CERT; .*client\.pem must hold .*cluster\.ca/],
    [
      {
        cert: file('expired.pem', expired.cert),
        key: file('expired.key', expired.key),
      },
      /etcd does not accept .*expired\.pem .* not have expired: openssl x509/,
    ],
  ] as const) {
    wrong.configure({}, { passwordFile: secret, ...keys })
    // a refused certificate sometimes looks like a broken connection
    await until(`the command says ${remedy}`, async () => {
      const { code, stderr } = await wrong.run('drain', 'zope1')
      t.equal(code, 1)
      return remedy.test(stderr)
    })
    await until(`the monitor says ${remedy}`, () =>
      remedy.test(wrong.cluster()?.engine.problem ?? ''),
    )
  }
  t.match(await wrong.run('check', '--json', '--no-trial'), {
    stdout: /"code":"cluster-certificate-expired"/,
  })

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

void t.test('tokens expire all the time', async t => {
  const etcd = await Etcd.start(t, { args: ['--auth-token-ttl=1'] })
  etcd.ctl('user', 'add', `root:${password}-root`)
  etcd.ctl('user', 'grant-role', 'root', 'root')
  etcd.ctl('auth', 'enable')
  const place = publicDirectory(t)
  const passwordFile = `${place}/etcd.password`
  writeFileSync(passwordFile, `${password}-root\n`, { mode: 0o600 })
  const [fe1, fe2] = await startMachines(t, ['fe1', 'fe2'], {
    backends: { zope1: await startBackend(t), zope2: await startBackend(t) },
    etcd: etcd.urls,
    cluster: { user: 'root', passwordFile },
  })
  if (fe1 === undefined || fe2 === undefined) return

  // a sign of life comes every 2 s: each finds that its token has expired
  const logins = async (): Promise<number> => {
    const counts = await Promise.all(
      etcd.urls.map(async url => {
        const metrics = await got(`${url}/metrics`).text()
        const found =
          /^grpc_server_handled_total\{grpc_code="OK",grpc_method="Authenticate",.*\} (\d+)$/m.exec(
            metrics,
          )
        return Number(found?.[1] ?? 0)
      }),
    )
    return counts.reduce((sum, count) => sum + count, 0)
  }
  const before = await logins()
  await until('six logins', async () => (await logins()) >= before + 6)
  t.match(await fe1.run('drain', 'zope1'), { stdout: /on fe1 fe2\n/ })
  t.match(await fe2.run('ready', 'zope1'), { stdout: /on fe1 fe2\n/ })
  for (const machine of [fe1, fe2]) {
    t.equal(machine.cluster()?.state, 'together')
    t.same(
      machine.log().filter(({ msg }) => msg === 'etcd cannot be used'),
      [],
    )
  }
})
