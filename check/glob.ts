// The wildcards of Include, as apr_fnmatch matches them. Pure.

export function hasWildcard(text: string): boolean {
  return /[*?[]/.test(text)
}

/** One part of a path as a pattern; a leading dot must match literally. */
export function globPattern(part: string): RegExp {
  const source = part.replaceAll(/\[!?[^\]]+\]|[^]/g, piece =>
    piece === '*'
      ? '.*'
      : piece === '?'
        ? '.'
        : piece.length > 1
          ? piece.replace(/^\[!/, '[^')
          : piece.replace(/[^\w]/, '\\$&'),
  )
  return new RegExp(`^${/^[*?[]/.test(part) ? '(?!\\.)' : ''}${source}$`)
}
