// IP addresses and networks as numbers. Pure: node:net is not for pure files.

/** 4, 6, or 0 if it is not an IP address (without brackets, zone or port). */
export function isIP(text: string): 0 | 4 | 6 {
  const bytes = parseIP(text)
  return bytes === null ? 0 : bytes.length === 4 ? 4 : 6
}

/** An address as its 4 or 16 bytes; null if it is not an address. */
export function parseIP(text: string): readonly number[] | null {
  return text.includes(':') ? parseIPv6(text) : parseIPv4(text)
}

function parseIPv4(text: string): number[] | null {
  const parts = text.split('.')
  const isAddress =
    parts.length === 4 &&
    parts.every(part => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)
  return isAddress ? parts.map(Number) : null
}

function parseIPv6(text: string): number[] | null {
  const [, before = '', embedded] =
    /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text) ?? []
  if (embedded !== undefined) {
    const [a, b, c, d] = parseIPv4(embedded) ?? []
    if (
      a === undefined ||
      b === undefined ||
      c === undefined ||
      d === undefined
    )
      return null
    return parseIPv6(`${before}${group(a, b)}:${group(c, d)}`)
  }
  const halves = text.split('::')
  if (halves.length > 2) return null
  const [head = [], tail = []] = halves.map(half =>
    half === '' ? [] : half.split(':'),
  )
  const missing = 8 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null
  const groups = [
    ...head,
    ...Array.from({ length: missing }, () => '0'),
    ...tail,
  ]
  if (!groups.every(digits => /^[\da-f]{1,4}$/i.test(digits))) return null
  return groups.flatMap(digits => {
    const value = Number.parseInt(digits, 16)
    return [value >> 8, value & 255]
  })
}

function group(high: number, low: number): string {
  return (high * 256 + low).toString(16)
}

/**
 * Whether an address lies in a network, `ADDRESS` or `ADDRESS/BITS`. An IPv4
 * address that a dual-stack socket shows as `::ffff:10.0.0.1` counts as IPv4.
 */
export function isInNetwork(address: string, network: string): boolean {
  const [base = '', bits] = network.split('/')
  const one = unmapped(parseIP(address))
  const other = parseIP(base)
  if (one === null || other === null || one.length !== other.length)
    return false
  const size = one.length * 8
  const prefix = bits === undefined ? size : Number(bits)
  return (numberOf(one) ^ numberOf(other)) >> BigInt(size - prefix) === 0n
}

function numberOf(bytes: readonly number[]): bigint {
  return bytes.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n)
}

function unmapped(bytes: readonly number[] | null): readonly number[] | null {
  const isMapped =
    bytes?.length === 16 &&
    bytes.slice(0, 10).every(byte => byte === 0) &&
    bytes[10] === 255 &&
    bytes[11] === 255
  return isMapped ? bytes.slice(12) : bytes
}

/** 127.0.0.0/8 and ::1. */
export function isLoopback(address: string): boolean {
  return isInNetwork(address, '127.0.0.0/8') || isInNetwork(address, '::1')
}
