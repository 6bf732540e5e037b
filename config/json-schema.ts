// The configuration as a JSON Schema, for editors. Made from the schema that the
// programs use, so it cannot know another key.
import * as z from 'zod'
import { fileSchema } from './schema.ts'

/**
 * JSON Schema 2020-12 of the YAML file. It knows every key and kind of value; limits
 * between keys, and durations beyond their form, are checked by the programs alone.
 */
export function configurationSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(fileSchema, {
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      // an editor may read a pattern without Unicode classes
      if (jsonSchema.pattern !== undefined)
        jsonSchema.pattern = jsonSchema.pattern
          .replaceAll('\\P{Cc}', String.raw`[^\u0000-\u001F\u007F-\u009F]`)
          .replaceAll('\\p{Cc}', String.raw`\u0000-\u001F\u007F-\u009F`)
      const { def } = zodSchema._zod
      // a short form, such as a URL alone for a backend, goes through z.preprocess
      if (def.type !== 'pipe' || !isTransform(def)) return
      const long = { ...jsonSchema }
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key]
      jsonSchema.anyOf = [{ type: 'string' }, long]
    },
  })
  return {
    $schema,
    title: 'zope-failover.yaml',
    ...schema,
  }
}

function isTransform(def: object): boolean {
  return (
    'in' in def &&
    def.in instanceof z.ZodType &&
    def.in instanceof z.ZodTransform
  )
}
