// GETs and POSTs under kill -9, for minutes.
import t from 'tap'
import { testKills } from '../system/httpd/kills.ts'

testKills(t, 50)
