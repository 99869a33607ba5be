#!/usr/bin/env node
// SPDX-License-Identifier: PostgreSQL
// Many requests of two teams at once over four server connections: nobody gets the other's rows.
'use strict';
const { pool, request, newTeam } = require('./application');
const tap = require('./tap');

const backend = pool('pooled');

async function requests_of_two_teams_at_once() {
    const teams = [await newTeam(backend, 'cleo'), await newTeam(backend, 'dora')];
    const asked = [...Array(60).keys()].map((i) => teams[i % 2]);
    const answers = await Promise.all(
        asked.map(({ team, user }) =>
            request(backend, team, user, async (client) => {
                const before = await client.query('SELECT saas.current_team_id() AS team');
                await client.query('SELECT pg_sleep(0.002)');
                const after = await client.query(
                    'SELECT id AS team, saas.current_user_id() AS user FROM saas.teams',
                );
                return [before.rows, after.rows];
            }),
        ),
    );
    tap.same(
        answers,
        asked.map(({ team, user }) => [[{ team }], [{ team, user }]]),
        'sixty requests, each sees exactly its own team',
    );

    const alone = await backend.query(
        'SELECT saas.current_team_id() AS team, (SELECT count(*) FROM saas.teams) AS teams',
    );
    tap.same(alone.rows, [{ team: null, teams: '0' }], 'without a request nothing is seen');
}

async function a_request_that_fails_leaves_nothing() {
    const { team, user } = await newTeam(backend, 'elif');
    await tap.refused(
        request(backend, team, user, async (client) => {
            await client.query("UPDATE saas.teams SET name = 'half' WHERE id = $1", [team]);
            await client.query('SELECT saas.remove_team_member($1, $2)', [team, user]);
        }),
        'SA022',
        'the last owner cannot leave',
    );
    const { rows } = await request(backend, team, user, (client) =>
        client.query('SELECT name FROM saas.teams'),
    );
    tap.same(rows, [{ name: 'elif' }], 'and what the failed request changed before is undone');
}

async function two_owners_cannot_leave_at_once() {
    const { team, user } = await newTeam(backend, 'finn');
    const { user: second } = await newTeam(backend, 'gita');
    await request(backend, team, user, (client) =>
        client.query("SELECT saas.add_team_member($1, $2, 'owner')", [team, second]),
    );
    const leave = (who) =>
        request(backend, team, who, (client) =>
            client.query('SELECT saas.remove_team_member($1, $2)', [team, who]),
        ).then(
            () => 'left',
            (error) => error.code,
        );
    const outcomes = await Promise.all([leave(user), leave(second)]);
    tap.same(outcomes.sort(), ['SA022', 'left'], 'of two owners leaving at once, one stays');
}

tap.run(
    requests_of_two_teams_at_once,
    a_request_that_fails_leaves_nothing,
    two_owners_cannot_leave_at_once,
);
