// `npm start` on a terminal: it keeps running, shows what happens, and the user
// breaks things by key.
import { emitKeypressEvents } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { statusText } from '../status/print.ts'
import { failuresOf, lastTries, type Sample } from '../lab/load.ts'
import type { FrontKind } from './front.ts'
import { backendNames, type BackendName, type Stage } from './stage.ts'

type Action = {
  readonly key: string
  readonly what: string
  readonly act: (stage: Stage, selected: BackendName) => unknown
}

const actionsOf = ({ asked, reloading }: FrontKind): readonly Action[] => [
  { key: 'k', what: 'kill it', act: (stage, name) => stage.kill(name) },
  { key: 'h', what: 'hang it', act: (stage, name) => stage.hang(name) },
  { key: 'r', what: 'revive it', act: (stage, name) => stage.revive(name) },
  {
    key: 'd',
    what: 'drain it',
    act: (stage, name) => stage.run('drain', name, '--reason', 'by key'),
  },
  {
    key: 'm',
    what: 'maintenance',
    act: (stage, name) => stage.run('maint', name, '--reason', 'by key'),
  },
  {
    key: 'y',
    what: 'ready again',
    act: (stage, name) => stage.run('ready', name),
  },
  { key: 'a', what: `kill the ${asked}`, act: stage => stage.killAnswering() },
  { key: 'g', what: reloading, act: stage => stage.reload() },
  {
    key: 'o',
    what: 'kill or start the monitor',
    act: stage =>
      stage.hasMonitor ? stage.killMonitor() : stage.startMonitor(),
  },
]

/** The first actions are for the selected backend. */
const ofBackend = 6

/** Until q, Ctrl-C or Ctrl-D. */
export async function live(stage: Stage): Promise<void> {
  const actions = actionsOf(stage.kind)
  let selected: BackendName = 'zope1'
  let last = ''
  let isOver = false
  emitKeypressEvents(process.stdin)
  process.stdin.setRawMode(true)
  process.stdin.resume()
  process.stdin.on('keypress', (text: string | undefined, key) => {
    const isControl =
      key.ctrl === true && (key.name === 'c' || key.name === 'd')
    if (text === 'q' || isControl) isOver = true
    const chosen = backendNames[Number(text) - 1]
    if (chosen !== undefined) selected = chosen
    const action = actions.find(({ key: one }) => one === text)
    if (action === undefined) return
    last = `${action.what} (${selected})`
    void perform(action, stage, selected).catch((err: unknown) => {
      last = String(err)
    })
  })
  let before = countOf(stage)
  try {
    while (!isOver) {
      const now = countOf(stage)
      process.stdout.write(
        `\u001B[H\u001B[2J${picture(stage, selected, last, now - before)}`,
      )
      before = now
      await pause(500)
    }
  } finally {
    process.stdin.setRawMode(false)
    process.stdin.pause()
    process.stdout.write('\n')
  }
}

async function perform(
  action: Action,
  stage: Stage,
  selected: BackendName,
): Promise<void> {
  await action.act(stage, selected)
}

function countOf(stage: Stage): number {
  const { newVisitors, sticky } = stage.loads
  return newVisitors.samples.length + sticky.samples.length
}

function picture(
  stage: Stage,
  selected: BackendName,
  last: string,
  inHalfASecond: number,
): string {
  const { newVisitors, sticky } = stage.loads
  const keys = actionsOf(stage.kind).map(({ key, what }) => `${key} ${what}`)
  return [
    stage.addresses,
    `10 new visitors, 10 sticky visitors, ${inHalfASecond * 2} requests/s`,
    '',
    statusText(stage.status(), true, Date.now()),
    `new visitors get    ${shares(newVisitors.samples)}`,
    `sticky visitors get ${shares(sticky.samples)}`,
    `failed so far       ${failuresOf(newVisitors.samples).length + failuresOf(sticky.samples).length} of ${countOf(stage)}`,
    '',
    `selected: ${selected} (${stage.conditionOf(selected)})   ${last}`,
    `keys: 1 2 3 select · ${keys.slice(0, ofBackend).join(' · ')}`,
    `      ${keys.slice(ofBackend).join(' · ')} · q quit`,
    '',
  ].join('\n')
}

/** The shares of the last 100 requests. */
function shares(samples: readonly Sample[]): string {
  const counts = new Map<string, number>()
  for (const { backend, status } of lastTries(samples).slice(-100)) {
    const by = status === 200 ? String(backend) : `status ${status ?? 'none'}`
    counts.set(by, (counts.get(by) ?? 0) + 1)
  }
  return [...counts].map(([by, count]) => `${by} ${count} %`).join(', ')
}
