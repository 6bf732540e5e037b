// GETs and POSTs under kill -9: a few kills; test/soak/kills.test.ts has many.
import t from 'tap'
import { testKills } from './kills.ts'

testKills(t, 3)
