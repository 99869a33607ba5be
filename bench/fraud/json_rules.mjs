// SPDX-License-Identifier: PostgreSQL
// The rules of setup.sql for json-rules-engine, over the payments given on standard input (JSON, one a line).
// Prints microseconds per payment and the sum of the scores.
//   node json_rules.mjs <folder with node_modules> <rules> <rounds>
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'

const [folder, count, rounds] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])]
const { Engine } = createRequire(`${folder}/`)('json-rules-engine')

const test = (fact, operator, value, path) => ({ fact, operator, value, ...(path && { path }) })
const kinds = [
    (n) => ({ all: [test('amount', 'greaterThan', n * 1000), test('card_country', 'notEqual', { fact: 'ip_country' })] }),
    (n) => ({ all: [test('email_domain', 'in', [`a${n}.example`, 'b.example', 'c.example'])] }),
    (n) => ({ all: [test('card_funding', 'equal', 'prepaid'), test('amount', 'greaterThan', n * 100), test('is_recurring', 'equal', false)] }),
    (n) => ({ all: [test('ip_country', 'notIn', ['US', 'CA', 'GB']), test('risk_score', 'greaterThanInclusive', n)] }),
    (n) => ({ any: [test('metadata', 'greaterThan', n, '$.items'), test('attempt_count', 'greaterThan', Number(`1${n}`) / 10)] }),
]
const scores = [3, 0, 0, 1, 0]

const engine = new Engine()
for (let n = 1; n <= count; n += 1)
    engine.addRule({ conditions: kinds[n % 5](n), event: { type: `rule${n}`, params: { score: scores[n % 5] } } })
const payments = readFileSync(0, 'utf8').trim().split('\n').map((line) => {
    const payment = JSON.parse(line)
    payment.metadata.items = Number(payment.metadata.items)
    return payment
})

async function pass() {
    let sum = 0
    for (const payment of payments) {
        const { events } = await engine.run(payment)
        sum += Math.min(100, events.reduce((total, event) => total + event.params.score, 0))
    }
    return sum
}
await pass()
const begin = process.hrtime.bigint()
let sum = 0
for (let round = 0; round < rounds; round += 1) sum = await pass()
console.log(`${Number(process.hrtime.bigint() - begin) / 1000 / rounds / payments.length}\t${sum}`)
