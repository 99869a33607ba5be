// SPDX-License-Identifier: PostgreSQL
// How a Node.js application talks to the database: a pool of connections to the pooler, and one
// transaction for each request, in which the backend vouches for the user it has authenticated.
'use strict';
const { randomUUID } = require('node:crypto');
const { Pool } = require('pg');

// Through pgbouncer: statements carry their parameters apart but no name.
function pool(database, user = 'e2e_backend', max = 8) {
    return new Pool({
        host: process.env.POOLER_HOST,
        port: Number(process.env.POOLER_PORT),
        database,
        user,
        max,
    });
}

// One request of a user in a team: work(client) with context and rights that end with the transaction.
async function request(connections, team, user, work) {
    const client = await connections.connect();
    try {
        await client.query('BEGIN');
        await client.query('SELECT saas.set_context(p_team => $1, p_user => $2)', [team, user]);
        await client.query('SET LOCAL ROLE saas_app');
        const answer = await work(client);
        await client.query('COMMIT');
        return answer;
    } catch (error) {
        await client.query('ROLLBACK');
        throw error;
    } finally {
        client.release();
    }
}

// A user with a team of their own.
async function newTeam(connections, name) {
    const mark = randomUUID().slice(0, 13);
    const user = await connections.query(
        'SELECT saas.create_user(p_email => $1, p_display_name => $2) AS id',
        [`${name}-${mark}@example.test`, name],
    );
    const team = await connections.query(
        'SELECT saas.create_team(p_name => $1, p_slug => $2, p_owner => $3) AS id',
        [name, `${name}-${mark}`, user.rows[0].id],
    );
    return { team: team.rows[0].id, user: user.rows[0].id };
}

module.exports = { pool, request, newTeam };
