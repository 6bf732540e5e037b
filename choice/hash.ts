// A hash for rendezvous hashing: equal bytes go to the same backend on every
// machine and in every version. A change here moves every sticky visitor, so it
// needs an entry in CHANGELOG.

/** 32 bits of FNV-1a over the bytes of a latin1 string. */
export function hashBytes(latin1: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < latin1.length; index++)
    hash = Math.imul(hash ^ latin1.charCodeAt(index), 0x01000193)
  return hash >>> 0
}

/**
 * A number strictly between 0 and 1 for a key and a seed, evenly distributed
 * and independent from seed to seed. FNV maps similar keys to similar hashes,
 * so both halves go through a mixer (MurmurHash3's finalizer) first.
 */
export function fraction(keyHash: number, seedHash: number): number {
  const high = mix(keyHash ^ mix(seedHash))
  const low = mix(high ^ mix(keyHash + 0x9e3779b9))
  // 52 bits: with 53 the 0.5 would be lost to rounding, or round up to 1
  return ((high >>> 6) * 0x4000000 + (low >>> 6) + 0.5) / 0x10000000000000
}

function mix(word: number): number {
  let mixed = word ^ (word >>> 16)
  mixed = Math.imul(mixed, 0x85ebca6b)
  mixed ^= mixed >>> 13
  mixed = Math.imul(mixed, 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
