#!/usr/bin/env node
// Makes the NAT box do what the table says:
//   zope-failover follow --format json -- /usr/local/lib/zope-failover/apply-nat.mjs
// One nft transaction: it holds as a whole or not at all. Needs CAP_NET_ADMIN alone,
// and base.nft loaded. Ends with 1 when nft refuses; follow then runs it again.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'

const table = 'ip zope_failover'
/** How long an address stays with its Zope after its last connection. */
const stickyFor = '30m'
/** As in base.nft: new visitors are divided by so many parts. */
const parts = 1000

const { backends } = JSON.parse(readFileSync(0, 'utf8'))
for (const { name, host } of backends)
  if (!isIPv4(host))
    fail(
      `backends.${name} must have an IPv4 address, for NAT knows no names, got ${host}`,
    )

const nft = run('nft', ['-f', '-'], transaction())
if (nft.status !== 0) fail(`nft refused the transaction: ${nft.text}`)
backends.forEach(forgetConnections)

function transaction() {
  const lines = [
    `flush chain ${table} sticky`,
    `flush chain ${table} learn`,
    `flush map ${table} new_visitors`,
  ]
  for (const { name, host, port, keepsSticky } of backends) {
    lines.push(
      `add set ${table} sticky_${name} { type ipv4_addr; flags dynamic, timeout; timeout ${stickyFor}; size 65535; }`,
      `add chain ${table} to_${name}`,
      `flush chain ${table} to_${name}`,
      `add rule ${table} to_${name} meta l4proto tcp dnat to ${host}:${port}`,
      `add rule ${table} learn ip saddr ${host} tcp sport ${port} update @sticky_${name} { ip daddr }`,
      keepsSticky
        ? `add rule ${table} sticky ip saddr @sticky_${name} goto to_${name}`
        : `flush set ${table} sticky_${name}`,
    )
  }
  const ranges = rangesOfTakers()
  if (ranges.length > 0)
    lines.push(`add element ${table} new_visitors { ${ranges.join(', ')} }`)
  return `${lines.join('\n')}\n`
}

/** `0-299 : goto to_zope1` and so on; all parts are given away, or none. */
function rangesOfTakers() {
  const takers = backends.filter(({ newVisitors }) => newVisitors > 0)
  let sum = 0
  let first = 0
  return takers.flatMap(({ name, newVisitors }, index) => {
    sum += newVisitors
    const end =
      index === takers.length - 1 ? parts : Math.round((sum / 100) * parts)
    if (end <= first) return []
    const range = `${first}-${end - 1} : goto to_${name}`
    first = end
    return [range]
  })
}

/**
 * What has begun goes on in drain and in maintenance. A Zope that is down answers
 * nothing: without its entries the next packet is reset, and the browser connects
 * to another Zope. A connection that a silent host has not yet accepted moves with its next SYN.
 */
function forgetConnections({ host, port, state, standing }) {
  if (['drain', 'maint'].includes(standing)) return
  if (state !== 'out' && state !== 'last-resort') return
  const which = ['--reply-src', host, '-p', 'tcp', '--reply-port-src', port]
  const phase = state === 'out' ? [] : ['--state', 'SYN_SENT']
  // its exit code is 1 when there was none
  const { error } = run('conntrack', ['-D', ...which, ...phase])
  if (error !== undefined)
    process.stderr.write(
      `conntrack cannot be run (${error.code}): visitors of a frozen Zope wait until they give up; install conntrack\n`,
    )
}

function run(program, args, input = '') {
  const { status, error, stderr } = spawnSync(program, args.map(String), {
    input,
    encoding: 'utf8',
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { ...process.env, PATH: `/usr/sbin:/sbin:${process.env.PATH ?? ''}` },
  })
  return { status, error, text: error?.code ?? stderr.trim() }
}

function fail(text) {
  process.stderr.write(`${text}\n`)
  process.exit(1)
}
