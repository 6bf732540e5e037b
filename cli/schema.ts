import { Command } from 'commander'

/** `zope-failover schema`: what an editor needs to complete the configuration. */
export function schemaCommand(): Command {
  return new Command('schema')
    .description('print the JSON Schema of the configuration, for editors')
    .action(async () => {
      const { configurationSchema } = await import('../config/json-schema.ts')
      process.stdout.write(
        `${JSON.stringify(configurationSchema(), null, 2)}\n`,
      )
    })
}
