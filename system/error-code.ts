/**
 * The code of a system error (`ENOENT`), else its text: the one place where a
 * caught value is narrowed.
 */
export function errorCode(err: unknown): string {
  if (err instanceof Error && 'code' in err && typeof err.code === 'string')
    return err.code
  return String(err)
}
