// Records a real run of `npm start` on a terminal.
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { until } from '../../lab/processes.ts'
import { filmSvg, type Scene } from './film.ts'

const main = resolve(import.meta.dirname, '../main.js')
/** The front's port in the recording. */
const port = 8080

/** What is typed, and what the screen shows in the end. */
const script: readonly {
  readonly caption: string
  readonly keys: string
  readonly shows: RegExp
}[] = [
  {
    caption: '$ npm start',
    keys: '',
    shows: /new visitors get +zope1 100 %[^]*sticky visitors get +zope1 100 %/,
  },
  {
    caption: '1 k: kill zope1',
    keys: '1k',
    shows:
      /zope1 .* down [^]*new visitors get +zope2 100 %[^]*sticky visitors get +zope2 100 %/,
  },
  {
    caption: 'r: revive it; new visitors return, sticky visitors stay',
    keys: 'r',
    shows: /zope1 .* up [^]*new visitors get +zope1 100 %/,
  },
  {
    caption: '1 d: drain zope1',
    keys: 'd',
    shows: /zope1 .* up\+drain [^]*new visitors get +zope2 100 %/,
  },
  {
    caption: 'y: ready again',
    keys: 'y',
    shows: /zope1 .* up [^]*new visitors get +zope1 100 %/,
  },
  {
    caption: 'a: kill the map program; httpd reads the files itself',
    keys: 'a',
    shows: /map: DEAD[^]*new visitors get +zope1 100 %/,
  },
]

/** @returns an animated SVG */
export async function record(): Promise<string> {
  const command = `stty cols 200 rows 40; exec node ${main} --port ${port}`
  const terminal = spawn('script', ['-qec', command, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let output = ''
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  /** Whole screens since the last call of `clear`. */
  const screens = (): string[] => output.split('\u001B[H\u001B[2J').slice(1, -1)
  const clear = (): void => {
    output = output.slice(output.lastIndexOf('\u001B[H\u001B[2J'))
  }
  const scenes: Scene[] = []
  try {
    for (const { caption, keys, shows } of script) {
      clear()
      terminal.stdin.write(keys)
      await until(caption, () => {
        const last = plain(screens().at(-1) ?? '')
        return shows.test(last)
      })
      scenes.push({ caption, screens: screens() })
    }
  } finally {
    terminal.stdin.write('q')
    await new Promise(end => terminal.once('exit', end))
  }
  return filmSvg(scenes)
}

function plain(text: string): string {
  // eslint-disable-next-line no-control-regex -- colors
  return text.replaceAll(/\u001B\[\d+m/g, '')
}
