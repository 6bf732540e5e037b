// The NAT box of examples/nat/: what its rules do. `ip` makes hosts for root only.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import {
  countBy,
  example,
  isLost,
  makeHosts,
  network,
  site,
  startNatSite,
  vanish,
} from '../../../lab/nat.ts'
import { visit, type Host } from '../../../lab/network.ts'
import {
  checkout,
  jsonLines,
  until,
  type Program,
} from '../../../lab/processes.ts'
import { makeZope } from '../../../lab/zope.ts'

await t.test('the NAT box', async t => {
  const net = await startNatSite(t)
  const { visitors, box, zopes, hosts, watched, follow } = net
  const { order, applied, rules, isUp, isWell, few } = net
  const [zope1] = zopes

  await t.test(
    '20 addresses stay; in maint they move, and stay there',
    async t => {
      const options = { network: network(), count: 20, visitors: 20 }
      const backends = async () =>
        (await few(options).all).map(({ backend }) => backend)
      const first = await backends()
      t.strictSame(new Set(first), new Set(['zope1', 'zope2']))
      t.strictSame(await backends(), first, '20 of 20')
      await order('drain', 'zope1')
      t.strictSame(await backends(), first, 'drain: 20 of 20')
      t.strictSame(countBy(await few().all), { zope2: 60 }, 'no new one')
      await order('ready', 'zope1')
      await order('maint', 'zope1')
      const moved = first.map(() => 'zope2')
      t.strictSame(await backends(), moved, 'maint: all have moved')
      await order('ready', 'zope1')
      t.strictSame(await backends(), moved, 'and none moves back')
    },
  )

  await t.test('100 transactions under load: none is lost', async t => {
    const visits = few({ count: undefined, intervalMs: 20 })
    const file = `${watched.directory}/zope1.drain`
    for (let count = 0; count < 100; count++) {
      const before = applied()
      if (count % 2 === 0) writeFileSync(file, '')
      else rmSync(file)
      await until('the transaction', () => applied() > before)
    }
    visits.stop()
    const all = await visits.all
    t.comment(`${all.length} visits, ${JSON.stringify(countBy(all))}`)
    t.ok(all.length > 100)
    t.equal(all.filter(isLost).length, 0)
  })

  await t.test(
    'a connection kept alive: on in maint, reset when frozen',
    async t => {
      const inMaint = await keep(visitors)
      await order('maint', 'zope1')
      inMaint.child.kill('SIGUSR2')
      await until(
        'the second answer',
        () => inMaint.output().split('\n').length > 2,
      )
      t.equal(inMaint.output(), 'zope1\nzope1\n')
      await order('ready', 'zope1')
      await isUp('zope1')
      const kept = await keep(visitors)
      t.match(entriesOf(box), /ESTABLISHED/)
      zope1.freeze()
      await until('it is forgotten', () => !/ESTABLISHED/.test(entriesOf(box)))
      kept.child.kill('SIGUSR2')
      await until('the reset', () => kept.output().includes('\n', 7))
      t.equal(kept.output(), 'zope1\nECONNRESET\n')
      zope1.thaw()
      await isWell()
    },
  )

  await t.test('a host vanishes: the next SYN goes to the other', async t => {
    const [host] = hosts
    if (host === undefined) throw new Error('two hosts')
    vanish(host, true)
    const visits = few({ count: 20 })
    const all = await visits.all
    const longest = Math.max(...all.map(({ ms }) => ms))
    t.comment(`longest: ${longest} ms, ${JSON.stringify(countBy(all))}`)
    t.equal(all.filter(isLost).length, 0)
    vanish(host, false)
    await isWell()
  })

  await t.test('no Zope is left: the page, and back by itself', async t => {
    const visits = few({ count: undefined, intervalMs: 50 })
    await until('some visits', () => visits.count() > 10)
    for (const zope of zopes) await zope.kill()
    const endMs = Date.now()
    const page = await until('the page', () =>
      visits.over().find(({ status }) => status === 503),
    )
    t.comment(`the page after ${page.at - endMs} ms`)
    t.equal(page.retryAfter, '10')
    for (const zope of zopes) zope.launch()
    await isWell()
    const served = visits.count()
    await until('20 more', () => visits.count() > served + 20)
    visits.stop()
    const all = await visits.all
    t.strictSame(all.slice(-10).filter(isLost), [])
  })

  await t.test('a transaction that nft refuses changes nothing', async t => {
    const [rulesBefore, failed] = [rules(), failuresOf(follow)]
    // of the wrong kind, where the transaction wants a set of addresses
    box.run(
      'nft',
      'add set ip zope_failover sticky_zope3 { type inet_service; }',
    )
    const text = readFileSync(watched.configFile, 'utf8')
    writeFileSync(
      watched.configFile,
      text.replace(
        '"backends":{',
        '"backends":{"zope3":"http://192.168.0.13:8080",',
      ),
    )
    await until('refused', () => failuresOf(follow) > failed)
    t.equal(rules(), rulesBefore)
    t.equal((await few().all).filter(isLost).length, 0)
    const before = applied()
    box.run('nft', 'delete set ip zope_failover sticky_zope3')
    await until('repeated', () => applied() > before)
    box.run('nft', 'list set ip zope_failover sticky_zope3')
  })
})

await t.test(
  'before the monitor has said anything, every Zope serves',
  async t => {
    const { visitors, box, hosts } = await makeHosts(t)
    box.run('nft', '-f', resolve(example, 'base.nft'))
    for (const [index, host] of hosts.entries()) {
      const zope = await makeZope(t, { name: `zope${index + 1}`, host })
      zope.launch()
    }
    const counts = await until('both serve', async () => {
      const all = await visit(visitors, {
        host: site,
        network: network(),
        count: 40,
        intervalMs: 5,
      }).all
      return all.some(isLost) ? false : countBy(all)
    })
    t.strictSame(Object.keys(counts).toSorted(), ['zope1', 'zope2'])
  },
)

/** Connections of visitors to zope1. */
function entriesOf(box: Host): string {
  return box.run(
    'conntrack',
    ...['-L', '-p', 'tcp', '--orig-dst', site, '--reply-src', '192.168.0.11'],
  )
}

function failuresOf(follow: Program): number {
  return jsonLines(follow.output()).filter(({ msg }) =>
    String(msg).startsWith('command failed'),
  ).length
}

/** A visitor with a kept connection that came to zope1, and its first answer. */
async function keep(visitors: Host): Promise<Program> {
  for (;;) {
    const kept = visitors.start(process.execPath, [
      resolve(checkout, 'lab/kept-connection.js'),
      JSON.stringify({ host: site, localAddress: `${network()}.1.1` }),
    ])
    await until('an answer', () => kept.output().includes('\n'))
    if (kept.output() === 'zope1\n') return kept
  }
}
