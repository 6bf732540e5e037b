// Moved to choice/, which the monitor uses, too.
export { buildTable, isFreshAt, isInForce, standings } from '../choice/table.ts'
export type * from '../choice/table.ts'
