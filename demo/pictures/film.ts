// Screens of a terminal -> one animated SVG. Pure. A line that stays the same from screen
// to screen is written once. Without animation it shows the end of the
// second scene.
export type Scene = {
  readonly caption: string
  /** as printed, with the codes of their colors; oldest first */
  readonly screens: readonly string[]
}

const columns = 118
const size = { font: 12, char: 7.23, line: 17, margin: 16 }
/** How long the last screen of a scene stays, and one before it. */
const restMs = 3_000
const passingMs = 400
/** Screens of one scene, at most: waiting is not worth watching. */
const mostScreens = 6

type Frame = { readonly lines: readonly string[]; readonly ms: number }

export function filmSvg(scenes: readonly Scene[]): string {
  const frames = scenes.flatMap(({ caption, screens }) =>
    sceneFrames(caption, screens),
  )
  const rows = Math.max(...frames.map(({ lines }) => lines.length))
  // the end of the second scene: the first is calm
  const still =
    scenes.slice(0, 2).flatMap(({ screens }) => sceneFrames('', screens))
      .length - 1
  const starts = startsOf(frames)
  const totalMs = Number(starts.at(-1))
  const styles = new Map<string, string>()
  const texts: string[] = []
  for (let row = 0; row < rows; row++)
    for (const { from, to, text } of runsOf(frames, row)) {
      const percent = [from, to].map(index =>
        ((100 * Number(starts[index])) / totalMs).toFixed(2),
      )
      const name = `f${from}-${to}`
      styles.set(
        name,
        `@keyframes ${name}{0%{opacity:${from === 0 ? 1 : 0}}${percent[0]}%{opacity:1}${percent[1]}%{opacity:${to === frames.length ? 1 : 0}}}.${name}{animation-name:${name}}`,
      )
      const isStill = from <= still && still < to
      texts.push(
        `<text class="${name}${isStill ? ' s' : ''}" x="${size.margin}" y="${size.margin + 28 + row * size.line}">${colored(text)}</text>`,
      )
    }
  const width = Math.round(columns * size.char + 2 * size.margin)
  const height = rows * size.line + 2 * size.margin + 28
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="npm start: backends are killed and drained, and no request fails">
<style>text{font:${size.font}px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#dbe4ed;white-space:pre;opacity:0;animation:${totalMs}ms step-end infinite}.s{opacity:1}.c{fill:#98a4ff;font-weight:bold}.g{fill:#45bf90}.y{fill:#dfa23b}.r{fill:#ff7474}@media (prefers-reduced-motion:reduce){text{animation:none!important}}
${[...styles.values()].join('\n')}</style>
<rect width="${width}" height="${height}" rx="8" fill="#11161c"/>
<circle cx="20" cy="18" r="5" fill="#3a4552"/><circle cx="38" cy="18" r="5" fill="#3a4552"/><circle cx="56" cy="18" r="5" fill="#3a4552"/>
${texts.join('\n')}
</svg>
`
}

function sceneFrames(caption: string, screens: readonly string[]): Frame[] {
  const shown = screens.slice(-mostScreens)
  return shown.map((screen, index) => ({
    lines: [`\u001B[1m${caption}`, '', ...screen.trimEnd().split(/\r?\n/)],
    ms: index === shown.length - 1 ? restMs : passingMs,
  }))
}

/** When each begins, ms, and when the last one ends. */
function startsOf(frames: readonly Frame[]): number[] {
  const starts = [0]
  for (const { ms } of frames) starts.push(Number(starts.at(-1)) + ms)
  return starts
}

/** The texts of one row, each with the frames it is in; empty ones are left out. */
function runsOf(
  frames: readonly Frame[],
  row: number,
): { from: number; to: number; text: string }[] {
  const runs: { from: number; to: number; text: string }[] = []
  for (const [index, { lines }] of frames.entries()) {
    const text = lines[row] ?? ''
    const last = runs.at(-1)
    if (last?.text === text) last.to = index + 1
    else runs.push({ from: index, to: index + 1, text })
  }
  return runs.filter(({ text }) => text !== '')
}

const colors = new Map([
  ['1', 'c'],
  ['31', 'r'],
  ['32', 'g'],
  ['33', 'y'],
])

/** The codes of a terminal as classes; cut to the width. */
function colored(text: string): string {
  let room = columns
  return text
    .split('\u001B[')
    .map((part, index) => {
      const [, code = '', words = part] =
        index === 0 ? [] : (/^(\d+)m(.*)$/.exec(part) ?? [])
      if (room === 0) return ''
      const isCut = words.length > room
      const shown = isCut ? `${words.slice(0, room - 1)}…` : words
      room -= isCut ? room : words.length
      const color = colors.get(code)
      return color === undefined || shown === ''
        ? escaped(shown)
        : `<tspan class="${color}">${escaped(shown)}</tspan>`
    })
    .join('')
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>]/g, char => `&#${char.charCodeAt(0)};`)
}
