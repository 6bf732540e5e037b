// zeo-pair of examples/tiers/ alone: what it orders, and when. The address is real; a
// journal stands in for systemd and the power switch.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import t, { type Test } from 'tap'
import { addHost } from '../../../lab/network.ts'
import {
  checkout,
  publicDirectory,
  textOf,
  until,
} from '../../../lab/processes.ts'

/** @param settle seconds, as Python reads them */
async function storage(t: Test, settle: string, fence = 'exit 0') {
  const directory = publicDirectory(t)
  const host = await addHost(t, 'storage', '')
  const journal = `${directory}/journal`
  const script = (file: string, content: string): string => {
    writeFileSync(`${directory}/${file}`, content)
    chmodSync(`${directory}/${file}`, 0o755)
    return `${directory}/${file}`
  }
  const note = (what: string, end: string): string =>
    script(what, `#!/bin/sh\necho ${what} "$@" >>${journal}\n${end}\n`)
  const pair = script(
    'zeo-pair',
    readFileSync(resolve(checkout, 'examples/tiers/zeo-pair'), 'utf8')
      .replace('/usr/bin/systemctl', note('systemctl', 'exit 0'))
      .replace('/etc/zeo-pair/fence', note('fence', fence))
      .replace('/var/lib/zeo-pair', `${directory}/state`)
      .replace('SETTLE = 0.5', `SETTLE = ${settle}`),
  )
  const address = (word: 'add' | 'del'): void => {
    host.run('ip', 'address', word, '192.0.2.30/32', 'dev', 'lo')
  }
  return {
    address,
    start: (...words: readonly string[]) => host.start(pair, words),
    journal: () => textOf(journal) ?? '',
    state: (file: string) => textOf(`${directory}/state/${file}`),
  }
}

const master = ['INSTANCE', 'storage', 'MASTER', '100'] as const

await t.test('the address stays: fence, then start', async t => {
  const { address, start, journal, state } = await storage(t, '0')
  address('add')
  await start(...master).gone
  t.equal(journal(), 'fence\nsystemctl start --no-block zeo.service\n')
  t.equal(state('since'), '')
  await start('INSTANCE', 'storage', 'BACKUP', '100').gone
  t.match(
    journal(),
    /start .*\nsystemctl kill --signal=KILL zeo\.service\nsystemctl stop zeo\.service\n$/,
  )
  t.equal(state('since'), undefined)
})

await t.test(
  'two had it for a moment: the one that lets it go fences none',
  async t => {
    const { address, start, journal, state } = await storage(t, '3600')
    address('add')
    const late = start(...master)
    await until('it is at work', () => state('lock') !== undefined)
    address('del')
    await late.gone
    t.equal(journal(), '')
    t.equal(state('since'), undefined)
    await start(...master).gone
    t.equal(journal(), '', 'nor does one that keepalived starts too late')
  },
)

await t.test('the other machine cannot be fenced: no ZEO here', async t => {
  const { address, start, journal, state } = await storage(t, '0', 'exit 1')
  address('add')
  await start(...master).gone
  t.notMatch(journal(), 'start')
  t.equal(state('out'), 'the other machine cannot be fenced\n')
  const check = start('check')
  await check.gone
  t.equal(check.child.exitCode, 1)
})
