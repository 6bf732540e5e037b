// A ZEO server with a Plone site, and Plones at it, out of .venv/plone. The instances
// are what plone.recipe.zope2instance writes, as far as it is needed.
import { mkdirSync, writeFileSync } from 'node:fs'
import {
  checkout,
  freePort,
  publicDirectory,
  startProgram,
  type Owner,
  type Program,
} from '../../lab/processes.ts'
import { isListening } from '../../lab/zeo.ts'
import { zopeIni } from '../../lab/zope-ini.ts'
import { waitFor } from './wait.ts'

/** A user of the whole Zope, so also of the site. */
export const editor = { name: 'admin', password: 'secretadmin' } as const

const environment = `${checkout}/.venv/plone`
const python = `${environment}/bin/python`

export type Plone = {
  readonly name: string
  readonly url: string
  readonly program: Program
}

/** Two Plones at one ZEO, with a new site; resolves when both have served a page. */
export async function startPlones(owner: Owner): Promise<readonly Plone[]> {
  const root = publicDirectory(owner)
  const zeoPort = await freePort()
  mkdirSync(`${root}/zeo/blobs`, { recursive: true })
  writeFileSync(
    `${root}/zeo/zeo.conf`,
    `<zeo>
  address 127.0.0.1:${zeoPort}
</zeo>
<filestorage 1>
  path ${root}/zeo/Data.fs
  blob-dir ${root}/zeo/blobs
</filestorage>
`,
  )
  const zeo = startProgram(owner, python, [
    `${environment}/bin/runzeo`,
    '-C',
    `${root}/zeo/zeo.conf`,
  ])
  await waitFor('ZEO listens', () => isRunning(zeo) && isListening(zeoPort))
  const made: { name: string; directory: string; port: number }[] = []
  for (const name of ['plone1', 'plone2']) {
    const port = await freePort()
    const directory = `${root}/${name}`
    writeInstance(directory, port, zeoPort, root)
    made.push({ name, directory, port })
  }
  const maker = startProgram(owner, python, [
    `${environment}/bin/zconsole`,
    'run',
    `${root}/plone1/etc/zope.conf`,
    `${checkout}/bench/plone/site.py`,
  ])
  await maker.gone
  if (maker.child.exitCode !== 0) throw new Error(maker.output())
  const plones = made.map(({ name, directory, port }) => ({
    name,
    url: `http://127.0.0.1:${port}`,
    program: startProgram(owner, python, [
      `${environment}/bin/runwsgi`,
      `${directory}/etc/zope.ini`,
    ]),
  }))
  for (const { name, url, program } of plones)
    await waitFor(`${name} serves a page`, async () => {
      if (!isRunning(program)) return false
      // refused until it is there
      const answer = await fetch(`${url}/Plone/news`).catch(() => undefined)
      return answer?.status === 200
    })
  return plones
}

function isRunning(program: Program): boolean {
  if (program.isGone()) throw new Error(program.output())
  return true
}

function writeInstance(
  directory: string,
  port: number,
  zeoPort: number,
  root: string,
): void {
  for (const path of ['etc/package-includes', 'var'])
    mkdirSync(`${directory}/${path}`, { recursive: true })
  writeFileSync(`${directory}/inituser`, `${editor.name}:${editor.password}\n`)
  writeFileSync(
    `${directory}/etc/site.zcml`,
    `<configure xmlns="http://namespaces.zope.org/zope"
           xmlns:meta="http://namespaces.zope.org/meta"
           xmlns:five="http://namespaces.zope.org/five">
  <include package="Products.Five" />
  <meta:redefinePermission from="zope2.Public" to="zope.Public" />
  <five:loadProducts file="meta.zcml" />
  <five:loadProducts />
  <five:loadProductsOverrides />
  <include files="package-includes/*-configure.zcml" />
  <securityPolicy component="AccessControl.security.SecurityPolicy" />
</configure>
`,
  )
  writeFileSync(
    `${directory}/etc/zope.conf`,
    `instancehome ${directory}
debug-mode off
security-policy-implementation C
default-zpublisher-encoding utf-8
<zodb_db main>
  cache-size 30000
  <zeoclient>
    blob-dir ${root}/zeo/blobs
    shared-blob-dir on
    server 127.0.0.1:${zeoPort}
    storage 1
    var ${directory}/var
    cache-size 128MB
  </zeoclient>
  mount-point /
</zodb_db>
`,
  )
  writeFileSync(
    `${directory}/etc/zope.ini`,
    zopeIni({
      conf: `${directory}/etc/zope.conf`,
      port,
      threads: 4,
      level: 'WARN',
    }),
  )
}
