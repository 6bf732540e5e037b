// How a value that was found is shown in a message. Pure.
import { withoutSecrets } from './printable.ts'

/**
 * The value as JSON, shortened when it is long, without the secrets of a URL.
 */
export function describeValue(value: unknown): string {
  if (value === undefined || value === null) return 'nothing'
  // aliases can make a small file a huge value
  let left = 100
  const json =
    typeof value === 'number'
      ? // JSON has no words for .inf and .nan
        `${value}`
      : JSON.stringify(value, (_, part: unknown) => (left-- > 0 ? part : null))
  const text = withoutSecrets(json)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
