// Loads TypeScript from a cache of compiled files, kept by their content. Loading the
// compiler takes seconds of processor time, and there are 250 test processes.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const folder = new URL(
  '../node_modules/.cache/test-typescript/',
  import.meta.url,
)
const manifest = new URL('../package-lock.json', import.meta.url)
/** another compiler or other options: nothing old is used */
const version = createHash('sha256')
  .update(readFileSync(new URL(import.meta.url)))
  .update(readFileSync(manifest))
  .digest('hex')

/** Node's `load` hook. */
export async function load(url, context, next) {
  const { protocol, pathname } = new URL(url)
  if (protocol !== 'file:' || !pathname.endsWith('.ts'))
    return next(url, context)
  const source = await compiled(fileURLToPath(url))
  return { format: 'module', source, shortCircuit: true }
}

async function compiled(file) {
  const text = await readFile(file, 'utf8')
  const key = createHash('sha256')
    .update(version)
    .update(file)
    .update(text)
    .digest('hex')
  const cached = new URL(`${key}.js`, folder)
  try {
    return await readFile(cached, 'utf8')
  } catch (err) {
    if (err.code !== 'ENOENT') throw err
  }
  const { default: typescript } = await import('typescript')
  const { outputText } = typescript.transpileModule(text, {
    fileName: file,
    compilerOptions: {
      target: typescript.ScriptTarget.ES2023,
      module: typescript.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      inlineSourceMap: true,
      inlineSources: true,
    },
  })
  mkdirSync(folder, { recursive: true })
  // another process may read it at any moment
  const draft = new URL(`${key}.${process.pid}`, folder)
  writeFileSync(draft, outputText)
  renameSync(draft, cached)
  return outputText
}
