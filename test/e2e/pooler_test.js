#!/usr/bin/env node
// SPDX-License-Identifier: PostgreSQL
// The same ground for Node.js: statements with parameters through the pooler, named ones without it.
'use strict';
const { Client } = require('pg');
const tap = require('./tap');

async function named_statement_without_the_pooler() {
    const client = new Client({ user: 'e2e_worker' });
    await client.connect();
    const query = { name: 'plus', text: 'SELECT $1::int + 1 AS n' };
    for (const n of [1, 2, 3]) {
        const { rows } = await client.query({ ...query, values: [n] });
        tap.same(rows, [{ n: n + 1 }], `named statement, execution ${n}`);
    }
    const { rows } = await client.query('SELECT name FROM pg_prepared_statements');
    tap.same(rows, [{ name: 'plus' }], 'it was prepared once');
    await client.end();
}

async function parameters_through_the_pooler() {
    const clients = [];
    for (let i = 0; i < 3; i += 1) {
        const client = new Client({
            host: process.env.POOLER_HOST,
            port: Number(process.env.POOLER_PORT),
            user: 'e2e_worker',
            database: 'shared',
        });
        await client.connect();
        clients.push(client);
    }
    // Unnamed: pg sends parse, bind, execute and sync in one go, which pgbouncer keeps together.
    const answers = await Promise.all(
        clients.flatMap((client, i) =>
            [...Array(20).keys()].map((j) => client.query('SELECT $1::int AS n', [100 * i + j])),
        ),
    );
    tap.same(
        answers.map((a) => a.rows[0].n),
        [0, 1, 2].flatMap((i) => [...Array(20).keys()].map((j) => 100 * i + j)),
        'sixty statements of three clients over one server connection get their own answers',
    );
    for (const client of clients) await client.end();
}

tap.run(named_statement_without_the_pooler, parameters_through_the_pooler);
