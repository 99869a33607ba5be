// SPDX-License-Identifier: PostgreSQL
// The Test Anything Protocol for the Node.js applications: a plan at the end, one line a test.
'use strict';
const assert = require('node:assert');

let count = 0;
let failed = 0;

function ok(condition, name, detail = '') {
    count += 1;
    console.log(`${condition ? 'ok' : 'not ok'} ${count} - ${name}`);
    if (!condition) {
        failed += 1;
        for (const line of String(detail).split('\n')) console.log(`# ${line}`);
    }
}

function same(got, want, name) {
    let equal = true;
    try {
        assert.deepStrictEqual(got, want);
    } catch {
        equal = false;
    }
    ok(equal, name, `     got: ${JSON.stringify(got)}\nexpected: ${JSON.stringify(want)}`);
}

// The promise must be rejected by the server with this SQLSTATE.
async function refused(promise, sqlstate, name) {
    try {
        await promise;
        ok(false, name, `nothing was raised, expected ${sqlstate}`);
    } catch (error) {
        same(error.code ?? String(error), sqlstate, name);
    }
}

// Runs each test; an exception out of one is a failure of its own. Ends the process.
async function run(...tests) {
    for (const test of tests) {
        try {
            await test();
        } catch (error) {
            ok(false, `${test.name} runs to its end`, error.stack);
        }
    }
    console.log(`1..${count}`);
    process.exit(failed > 0 || count === 0 ? 1 : 0);
}

module.exports = { ok, same, refused, run };
