/**
 * `new URL`, without an exception.
 *
 * Not URL.canParse: on Node 20 and 22 it takes text in Latin-1 for UTF-8 once it is
 * compiled, after some 5,000 calls, and refuses https://bücher.example.
 *
 * @returns undefined when `text` is not a URL
 */
export function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}
