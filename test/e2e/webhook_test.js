#!/usr/bin/env node
// SPDX-License-Identifier: PostgreSQL
// The main job as an installation runs it: a worker behind the pooler takes in Stripe's webhooks, raw
// bytes and all; members of the team see what came of them, and nobody else does.
'use strict';
const { createHmac, randomUUID } = require('node:crypto');
const { pool, request, newTeam } = require('./application');
const tap = require('./tap');

const SECRET = 'whsec_e2e';
const backend = pool('pooled');
const worker = pool('pooled', 'e2e_worker');
const mark = randomUUID().slice(0, 8);
const now = Math.floor(Date.now() / 1000);

// What an HTTP server would hand over: the headers and the untouched body.
function delivery(event, secret = SECRET) {
    const body = Buffer.from(JSON.stringify(event));
    const signature = createHmac('sha256', secret).update(`${now}.`).update(body).digest('hex');
    return { headers: { 'stripe-signature': `t=${now},v1=${signature}` }, body };
}

async function ingest(team, { headers, body }, connections = worker) {
    const { rows } = await connections.query(
        'SELECT outcome, detail FROM saas.ingest_webhook($1, $2, $3, $4)',
        [team, 'stripe', headers, body],
    );
    return rows[0];
}

function event(id, type, object) {
    return {
        id: `evt_${mark}_${id}`, object: 'event', api_version: '2024-06-20', created: now,
        livemode: false, type, data: { object },
    };
}

const intent = (number, members) => ({
    id: `pi_${mark}_${number}`, object: 'payment_intent', amount: 1250, amount_received: 0,
    currency: 'eur', created: now, livemode: false, capture_method: 'automatic',
    receipt_email: 'Zoë@example.test', metadata: { note: 'Grüße, 東京' }, ...members,
});
const charge = (number, members) => ({
    id: `ch_${mark}_${number}`, object: 'charge', amount: 1250, amount_captured: 1250,
    amount_refunded: 0, currency: 'eur', captured: true, paid: true, refunded: false,
    status: 'succeeded', created: now, livemode: false, payment_intent: `pi_${mark}_${number}`,
    ...members,
});

let shop;
let neighbour;

async function a_team_sets_up_its_provider() {
    shop = await newTeam(backend, 'shop');
    neighbour = await newTeam(backend, 'neighbour');
    for (const { team, user } of [shop, neighbour]) {
        await request(backend, team, user, (client) =>
            client.query('SELECT saas.configure_payment_provider($1, $2, ARRAY[$3::bytea])', [
                team, 'stripe', Buffer.from(SECRET),
            ]),
        );
    }
    await tap.refused(
        request(backend, shop.team, shop.user, (client) =>
            client.query('SELECT webhook_secrets FROM saas.payment_providers'),
        ),
        '42501',
        'the application cannot read the secrets back',
    );
}

async function deliveries_become_payments() {
    const sent = [
        event('3', 'payment_intent.succeeded', intent(1, {
            status: 'succeeded', amount_received: 1250, latest_charge: `ch_${mark}_1`,
        })),
        event('1', 'payment_intent.created', intent(1, { status: 'requires_payment_method' })),
        event('2', 'charge.succeeded', charge(1)),
        event('4', 'refund.created', {
            id: `re_${mark}_1`, object: 'refund', amount: 250, currency: 'eur', status: 'succeeded',
            charge: `ch_${mark}_1`, payment_intent: `pi_${mark}_1`, created: now, metadata: {},
        }),
        event('5', 'made.up', { id: `xx_${mark}`, object: 'made_up' }),
    ];
    const outcomes = [];
    for (const e of sent) outcomes.push((await ingest(shop.team, delivery(e))).outcome);
    tap.same(outcomes[0], 'processed', 'the first delivery is applied');
    tap.same(outcomes[1], 'superseded', 'an older one that comes later changes nothing');
    tap.same(outcomes[4], 'ignored', 'an unknown kind of event is no error');

    const { rows } = await request(backend, shop.team, shop.user, (client) =>
        client.query(
            `SELECT i.status AS intent, p.status AS payment, p.amount, p.amount_refunded, p.currency
             FROM saas.payments AS p
             JOIN saas.payment_intents AS i ON i.team_id = p.team_id AND i.id = p.payment_intent_id
             WHERE p.team_id = $1`,
            [shop.team],
        ),
    );
    tap.same(
        rows,
        [{ intent: 'succeeded', payment: 'paid', amount: '1250', amount_refunded: '250', currency: 'EUR' }],
        'a member sees the payment with its refund',
    );

    const seen = await request(backend, neighbour.team, neighbour.user, (client) =>
        client.query('SELECT count(*) FROM saas.payments'),
    );
    tap.same(seen.rows, [{ count: '0' }], 'another team sees none of it');
    const assessed = await request(backend, shop.team, shop.user, (client) =>
        client.query('SELECT decision FROM saas.fraud_assessments WHERE team_id = $1', [shop.team]),
    );
    tap.ok(assessed.rows.length > 0, 'the intent was assessed');
}

async function the_same_delivery_many_times_at_once() {
    const again = delivery(event('6', 'charge.succeeded', charge(2, { payment_intent: null })));
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => ingest(shop.team, again)));
    tap.same(
        outcomes.map((o) => o.outcome).sort(),
        [...Array(7).fill('duplicate'), 'processed'],
        'of eight deliveries of one event at once, one counts',
    );
}

async function many_events_of_one_payment_at_once() {
    const events = [];
    for (let n = 10; n < 20; n += 1) {
        events.push(
            event(`${n}a`, 'payment_intent.created', intent(n, { status: 'requires_payment_method' })),
            event(`${n}b`, 'charge.succeeded', charge(n)),
            event(`${n}c`, 'payment_intent.succeeded', intent(n, {
                status: 'succeeded', amount_received: 1250, latest_charge: `ch_${mark}_${n}`,
            })),
            event(`${n}d`, 'refund.created', {
                id: `re_${mark}_${n}`, object: 'refund', amount: 1250, currency: 'eur',
                status: 'succeeded', charge: `ch_${mark}_${n}`, payment_intent: `pi_${mark}_${n}`,
                created: now, metadata: {},
            }),
        );
    }
    // Reversed: what depends on other things tends to come first.
    const outcomes = await Promise.all(events.reverse().map((e) => ingest(shop.team, delivery(e))));
    tap.same(
        outcomes.filter((o) => !['processed', 'superseded', 'deferred'].includes(o.outcome)),
        [],
        'forty events over four connections: none fails',
    );
    const { rows } = await request(backend, shop.team, shop.user, (client) =>
        client.query(
            `SELECT count(*) AS payments,
                 count(*) FILTER (WHERE p.status = 'paid' AND p.amount_refunded = 1250) AS refunded,
                 count(*) FILTER (WHERE i.status = 'succeeded') AS succeeded,
                 (SELECT count(*) FROM saas.webhook_events AS e
                  WHERE e.team_id = $1 AND e.status = 'deferred') AS left_waiting
             FROM saas.payments AS p
             JOIN saas.payment_intents AS i ON i.team_id = p.team_id AND i.id = p.payment_intent_id
             WHERE p.team_id = $1 AND p.provider_payment_id ~ '_1[0-9]$'`,
            [shop.team],
        ),
    );
    tap.same(
        rows,
        [{ payments: '10', refunded: '10', succeeded: '10', left_waiting: '0' }],
        'each payment ends paid and refunded, and nothing waits any more',
    );
}

async function what_is_not_genuine_changes_nothing() {
    const forged = delivery(event('7', 'charge.succeeded', charge(3)), 'whsec_guessed');
    tap.same((await ingest(shop.team, forged)).outcome, 'rejected', 'another secret is refused');
    const genuine = delivery(event('8', 'charge.succeeded', charge(3)));
    genuine.body = Buffer.from(genuine.body.toString().replace('1250', '9999'));
    tap.same((await ingest(shop.team, genuine)).outcome, 'rejected', 'and a body that was changed');
    const { rows } = await request(backend, shop.team, shop.user, (client) =>
        client.query('SELECT count(*) FROM saas.payments WHERE provider_payment_id = $1', [
            `ch_${mark}_3`,
        ]),
    );
    tap.same(rows, [{ count: '0' }], 'no payment came of them');
    await tap.refused(
        ingest(shop.team, genuine, pool('pooled', 'e2e_guest')),
        '42501',
        'an application role may not ingest at all',
    );
}

tap.run(
    a_team_sets_up_its_provider,
    deliveries_become_payments,
    the_same_delivery_many_times_at_once,
    many_events_of_one_payment_at_once,
    what_is_not_genuine_changes_nothing,
);
