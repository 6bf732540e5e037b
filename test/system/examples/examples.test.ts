// Each example is loaded, and its httpd configuration checked by a real httpd.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../../config/load.ts'
import { startHttpd } from '../../../lab/httpd.ts'
import { dist, until } from '../../../lab/processes.ts'

const examples = resolve(dist, '../examples')
const folders = readdirSync(examples).filter(folder =>
  existsSync(resolve(examples, folder, 'zope-failover.yaml')),
)

await t.test('every folder is in the list', t => {
  const list = readFileSync(resolve(examples, 'README.md'), 'utf8')
  for (const folder of folders) t.ok(list.includes(`[${folder}/]`), folder)
  t.end()
})

for (const folder of folders)
  await t.test(
    `httpd starts with what ${folder} makes of each pool`,
    async t => {
      const file = resolve(examples, folder, 'zope-failover.yaml')
      for (const { name } of loadConfig(file).pools) {
        const conf = execFileSync(
          process.execPath,
          [
            ...[resolve(dist, 'cli/main.js'), 'apache-conf', '--config', file],
            ...['--pool', name],
          ],
          { encoding: 'utf8' },
        )
        const httpd = await startHttpd(t, { conf })
        await until(`the map of ${name}`, () => httpd.mapProcesses().length > 0)
        await httpd.stop()
      }
    },
  )
