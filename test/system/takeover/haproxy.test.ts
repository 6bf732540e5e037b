// A real HAProxy with the configuration of examples/haproxy/, asking the agent.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { resolve } from 'node:path'
import t, { type Test } from 'tap'
import { agentServer } from '../../../haproxy/agent-server.ts'
import { parseConfig } from '../../../config/parse.ts'
import { startBackend } from '../../../lab/backend.ts'
import { beatMonitor, putUp } from '../../../lab/map.ts'
import {
  dist,
  freePort,
  publicDirectory,
  startProgram,
  until,
} from '../../../lab/processes.ts'

const example = resolve(dist, '../examples/haproxy')
const exampleConf = readFileSync(`${example}/haproxy.cfg`, 'utf8')
const binary = '/usr/sbin/haproxy'
/** Long enough for a busy machine to be in time. */
const interMs = 1_000

type Server = {
  readonly status: string
  readonly weight: string
  readonly agent: string
}

/** HAProxy over these backends, each with its agent at `agentPort`. */
async function startHaproxy(
  t: Test,
  zopes: readonly { readonly name: string; readonly port: number }[],
  agentPort: number,
) {
  const directory = publicDirectory(t)
  const port = await freePort()
  const socket = `${directory}/admin.sock`
  const conf = zopes.reduce(
    (text, { name, port }) =>
      text.replace(new RegExp(`(server ${name}) \\S+`), `$1 127.0.0.1:${port}`),
    exampleConf
      .replace(/stats socket \S+/, `stats socket ${socket}`)
      .replace('bind :80', `bind 127.0.0.1:${port}`)
      .replace('agent-port 8010', `agent-port ${agentPort}`)
      .replace('agent-inter 250ms', `agent-inter ${interMs}ms`),
  )
  const file = `${directory}/haproxy.cfg`
  writeFileSync(file, conf)
  const program = startProgram(t, binary, ['-db', '-f', file])
  const command = async (line: string): Promise<string> => {
    const client = connect(socket)
    let said = ''
    client.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    client.on('error', () => {})
    client.write(`${line}\n`)
    await once(client, 'close')
    return said
  }
  const servers = async (): Promise<ReadonlyMap<string, Server>> => {
    const [head = '', ...lines] = (await command('show stat')).split('\n')
    const keys = head.replace('# ', '').split(',')
    const rows = lines.map(line => {
      const cells = line.split(',')
      return new Map(keys.map((key, index) => [key, cells[index] ?? '']))
    })
    return new Map(
      rows.map(row => [
        row.get('svname') ?? '',
        {
          status: row.get('status') ?? '',
          weight: row.get('weight') ?? '',
          agent: row.get('agent_status') ?? '',
        },
      ]),
    )
  }
  await until('HAProxy serves', async () => {
    if (program.isGone()) throw new Error(program.output())
    return (await servers().catch(() => undefined))?.has('zope1')
  })
  return {
    port,
    program,
    servers,
    /** how long until it sees a server like that, in ms */
    sees: async (name: string, wanted: RegExp): Promise<number> => {
      const startMs = performance.now()
      await until(`${name} is ${wanted}`, async () => {
        const server = (await servers()).get(name)
        return wanted.test(`${server?.status} ${server?.weight}`)
      })
      return performance.now() - startMs
    },
  }
}

/** Who answers so many new visitors. */
async function visit(port: number, count: number): Promise<string[]> {
  const names: string[] = []
  for (let visitor = 0; visitor < count; visitor++) {
    const [response] = await once(
      request({ port, host: '127.0.0.1', path: '/echo', agent: false }).end(),
      'response',
    )
    let body = ''
    for await (const chunk of response) body += String(chunk)
    names.push(
      response.statusCode === 200 ? String(JSON.parse(body).backend) : '-',
    )
  }
  return names
}

async function startSite(t: Test, policy = 'balance') {
  const directory = publicDirectory(t)
  const journals = publicDirectory(t)
  const zopes = [
    await startBackend(t, journals, 'zope1'),
    await startBackend(t, journals, 'zope2'),
  ].map(({ name, port }) => ({ name, port }))
  const config = parseConfig(
    JSON.stringify({
      directory,
      backends: Object.fromEntries(
        zopes.map(({ name, port }) => [name, `http://127.0.0.1:${port}`]),
      ),
      pools: { default: { policy } },
    }),
    'f',
  )
  // the monitor's part, so that a share stays what the test says
  putUp(directory, 'zope1', 'zope2')
  beatMonitor(directory, ['zope1', 'zope2'])
  const beating = setInterval(() => {
    beatMonitor(directory, ['zope1', 'zope2'])
  }, 1_000)
  t.teardown(() => clearInterval(beating))
  const port = await freePort()
  const serve = async () => {
    const agent = agentServer(() => config)
    agent.server.listen(port, '127.0.0.1')
    await once(agent.server, 'listening')
    t.teardown(agent.close)
    return agent
  }
  const agent = await serve()
  const haproxy = await startHaproxy(t, zopes, port)
  return { directory, agent, serve, haproxy }
}

await t.test('haproxy finds nothing wrong with the example', t => {
  const file = `${publicDirectory(t)}/haproxy.cfg`
  writeFileSync(file, exampleConf.replace(/stats socket .*/, ''))
  const { status, stdout, stderr } = spawnSync(binary, ['-c', '-f', file], {
    encoding: 'utf8',
  })
  t.equal(status, 0, stderr)
  t.notMatch(stdout + stderr, /WARNING|ALERT/)
  for (const [line] of exampleConf.matchAll(/^ +server .*/gm))
    t.match(line, / weight 100 /)
  t.end()
})

await t.test('each state within two looks, and back', async t => {
  const { directory, haproxy } = await startSite(t)
  const { sees, port } = haproxy
  await sees('zope1', /^(UP|no check) 100$/)
  const within = async (what: string, wanted: RegExp) => {
    const ms = await sees('zope1', wanted)
    t.comment(`${what}: ${Math.round(ms)} ms`)
    t.ok(ms <= 2 * interMs, `${what} within two looks`)
  }
  for (const [what, file, text, wanted] of [
    ['30 %', 'zope1.up', '30\n', /^(UP|no check) 30$/],
    ['a last resort', 'zope1.up', '0\n', /^(UP|no check) 1$/],
    ['drain', 'zope1.drain', '', /^DRAIN/],
    ['maint', 'zope1.maint', '', /^MAINT/],
    ['down', 'zope1.up', undefined, /^DOWN/],
  ] as const) {
    if (text === undefined) rmSync(`${directory}/${file}`)
    else writeFileSync(`${directory}/${file}`, text)
    await within(what, wanted)
    if (what === '30 %') {
      const names = await visit(port, 130)
      const share = names.filter(name => name === 'zope1').length
      t.equal(names.includes('-'), false)
      t.ok(share >= 29 && share <= 31, `${share} of 130`)
    } else if (what !== 'a last resort')
      t.notOk(
        (await visit(port, 20)).includes('zope1'),
        `${what}: no new visitor`,
      )
    if (file !== 'zope1.up') rmSync(`${directory}/${file}`)
    putUp(directory, 'zope1')
    await within('back', /^(UP|no check) 100$/)
  }
})

await t.test('tiers: the second one takes over, and gives back', async t => {
  const { directory, haproxy } = await startSite(t, 'failover')
  const { sees, port } = haproxy
  await sees('zope2', / 0$/)
  await sees('zope1', /^(UP|no check) 100$/)
  t.strictSame(new Set(await visit(port, 20)), new Set(['zope1']))
  rmSync(`${directory}/zope1.up`)
  await sees('zope1', /^DOWN/)
  await sees('zope2', /^(UP|no check) 100$/)
  t.strictSame(new Set(await visit(port, 20)), new Set(['zope2']))
  putUp(directory, 'zope1')
  await sees('zope1', /^(UP|no check) 100$/)
  await sees('zope2', / 0$/)
  t.strictSame(new Set(await visit(port, 20)), new Set(['zope1']))
})

await t.test('the agent is gone: each stays what it was', async t => {
  const { directory, haproxy, agent, serve } = await startSite(t)
  const { sees, servers, port } = haproxy
  await sees('zope1', /^(UP|no check) 100$/)
  await sees('zope2', /^(UP|no check) 100$/)
  const states = async () =>
    [...(await servers())]
      .filter(([name]) => name.startsWith('zope'))
      .map(([name, { status, weight }]) => `${name} ${status} ${weight}`)
  const before = await states()
  agent.close()
  await until('HAProxy has noticed', async () =>
    [...(await servers()).values()].every(
      ({ agent }) => agent === '' || /^(\* )?L4/.test(agent),
    ),
  )
  t.strictSame(await states(), before, 'no server is turned off')
  t.notOk((await visit(port, 20)).includes('-'))
  // nor does a monitor that judges nothing any more
  await serve()
  writeFileSync(`${directory}/zope1.drain`, '')
  await sees('zope1', /^DRAIN/)
  rmSync(`${directory}/zope1.drain`)
  await sees('zope1', /^(UP|no check) 100$/)
})
