// A command line that a person can paste into a shell. Pure.

/** One word: quoted where the shell would read more into it. */
export function shellWord(word: string): string {
  return /^[\w./:@=+-]+$/.test(word)
    ? word
    : `'${word.replaceAll("'", String.raw`'\''`)}'`
}

export function shellLine(words: readonly string[]): string {
  return words.map(shellWord).join(' ')
}
