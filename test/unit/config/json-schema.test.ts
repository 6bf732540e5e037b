import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import * as z from 'zod'
import { configurationSchema } from '../../../config/json-schema.ts'

const schema = configurationSchema()
const validator = z.fromJSONSchema(schema)
const takes = (text: string): boolean =>
  validator.safeParse(parse(text)).success

void t.test('takes every example', t => {
  const files = readdirSync('examples', {
    recursive: true,
    encoding: 'utf8',
  }).filter(name => name.endsWith('zope-failover.yaml'))
  t.ok(files.length > 4)
  for (const file of files)
    t.ok(takes(readFileSync(`examples/${file}`, 'utf8')), file)
  t.end()
})

void t.test('knows keys, kinds and short forms', t => {
  t.match(schema, { title: 'zope-failover.yaml', required: ['backends'] })
  t.ok(takes('backends: { a: http://h:1, b: { url: http://h:2 } }'))
  t.ok(takes('backends: { a: http://h:1 }\npools: { p: { members: [a] } }'))
  t.notOk(takes('backends: { a: http://h:1 }\nprobes: {}'))
  t.notOk(takes('backends: { A: http://h:1 }'))
  t.notOk(takes('backends: { a: http://h:1 }\nprobe: { rise: soon }'))
  t.notOk(takes('directory: /run/x'))
  t.end()
})
