/**
 * The code of a system error (`ENOENT`), otherwise its text: the one place that
 * narrows a caught value.
 */
export function errorCode(err: unknown): string {
  if (err instanceof Error && 'code' in err && typeof err.code === 'string')
    return err.code
  return String(err)
}
