// Requests for etcd's JSON gateway: 64-bit numbers are strings, bytes are base64. Pure.
import { maxKeys, rangeEnd } from './keys.ts'

export type Compare =
  /** the key does not exist */
  | { readonly key: string; readonly is: 'absent' }
  /** its last change has this revision; 0 = it does not exist */
  | { readonly key: string; readonly is: number }

export type Operation =
  | { readonly put: string; readonly value: string; readonly lease?: string }
  | { readonly remove: string; readonly isPrefix?: boolean }
  | { readonly get: string; readonly isPrefix?: boolean }

/** All keys that begin with `key`, or one key; one more than may be there. */
export function rangeRequest(key: string, isPrefix: boolean): object {
  return { ...rangeOf(key, isPrefix), limit: String(maxKeys + 1) }
}

/** Of all keys that begin with `prefix`. @param revision the first to report */
export function watchRequest(prefix: string, revision: number): object {
  return {
    create_request: {
      ...rangeOf(prefix, true),
      start_revision: String(revision),
    },
  }
}

/**
 * @param success what is done when all comparisons hold
 * @param failure what is done otherwise
 */
export function transactionRequest(
  compare: readonly Compare[],
  success: readonly Operation[],
  failure: readonly Operation[],
): object {
  return {
    compare: compare.map(compareOf),
    success: success.map(operationOf),
    failure: failure.map(operationOf),
  }
}

function rangeOf(key: string, isPrefix: boolean) {
  return {
    key: base64(key),
    ...(isPrefix && { range_end: base64(rangeEnd(key)) }),
  }
}

function compareOf(compare: Compare): object {
  return compare.is === 'absent'
    ? {
        key: base64(compare.key),
        target: 'CREATE',
        result: 'EQUAL',
        create_revision: '0',
      }
    : {
        key: base64(compare.key),
        target: 'MOD',
        result: 'EQUAL',
        mod_revision: String(compare.is),
      }
}

function operationOf(operation: Operation): object {
  if ('put' in operation)
    return {
      request_put: {
        key: base64(operation.put),
        value: base64(operation.value),
        ...(operation.lease !== undefined && { lease: operation.lease }),
      },
    }
  return 'remove' in operation
    ? {
        request_delete_range: rangeOf(
          operation.remove,
          operation.isPrefix === true,
        ),
      }
    : {
        request_range: rangeRequest(operation.get, operation.isPrefix === true),
      }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
