// The drawing in ARCHITECTURE.md and the imports say the same.
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import t from 'tap'

const drawing = /```text\n([^`]*)```/.exec(
  readFileSync('ARCHITECTURE.md', 'utf8'),
)?.[1]
/** from the highest level to the lowest */
const levels = (drawing ?? '')
  .trimEnd()
  .split('\n')
  .map(line => line.slice(0, 58).trim().split(/ +/))
const levelOf = new Map(
  levels.flatMap((rooms, level) => rooms.map(room => [room, level] as const)),
)
const files = [...levelOf.keys()].flatMap(room =>
  readdirSync(room, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => join(room, name)),
)
const roomOf = (file: string): string => file.split('/')[0] ?? ''

void t.test('every room is in the drawing, once', t => {
  const rooms = readdirSync('.', { withFileTypes: true })
    .filter(it => it.isDirectory() && /^[a-z]/.test(it.name))
    .map(({ name }) => name)
    .filter(
      name => !['dist', 'docs', 'examples', 'packaging', 'test'].includes(name),
    )
    .filter(name => name !== 'node_modules')
  t.strictSame([...levelOf.keys()].toSorted(), rooms.toSorted())
  t.end()
})

/** every import of another room: what imports what */
const arrows = files.flatMap(file =>
  [
    ...readFileSync(file, 'utf8').matchAll(/(?:from|import\() ?'(\.[^']+)'/g),
  ].map(([, target = '']) => ({
    from: roomOf(file),
    to: roomOf(normalize(join(dirname(file), target))),
    text: `${file} imports ${target}`,
  })),
)

const isUpward = ({ from, to }: { from: string; to: string }): boolean =>
  (levelOf.get(to) ?? -1) < (levelOf.get(from) ?? 99)

void t.test('no file imports from a room above its own', t => {
  t.ok(arrows.length > 500)
  t.strictSame(
    arrows.filter(isUpward).map(({ text }) => text),
    [],
  )
  t.end()
})

void t.test('no two rooms import each other', t => {
  const pairs = new Set(
    arrows.filter(it => it.from !== it.to).map(it => `${it.from} ${it.to}`),
  )
  t.strictSame(
    [...pairs].filter(it => pairs.has(it.split(' ').toReversed().join(' '))),
    [],
  )
  t.end()
})
