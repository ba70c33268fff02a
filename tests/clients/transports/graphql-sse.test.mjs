// graphql-sse, the reference client of GraphQL over server-sent events, in the mode of distinct connections; and a browser's EventSource
// (npm: eventsource), which knows nothing of GraphQL: it remembers the id of the last event, which is its cursor, and sends it when it
// comes back (`Last-Event-ID`). Their line is cut while somebody writes, and the program is restarted: nothing is lost, nothing doubled.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventSource } from 'eventsource';
import { createClient } from 'graphql-sse';
import { Line, Program, until } from './program.mjs';

let program;
before(async () => { program = await Program.start(); });
after(() => program.close());

/** A client that comes back at once, for as long as a test runs: what has failed must not keep the process. */
function connect(t, url, seen = {}) {
  seen.connections = 0;
  const client = createClient({
    url,
    retryAttempts: 1000,
    retry: () => sleep(20),
    on: { connected: () => { seen.connections += 1; } },
  });
  t.after(() => client.dispose());
  return client;
}

/** A line to the program, for as long as a test runs. */
async function lay(t) {
  const line = await Line.to(program.port);
  t.after(() => line.close());
  return line;
}

/** A browser's reader of a subscription, for as long as a test runs. */
function open(t, port, parameters, options) {
  const source = new EventSource(`http://127.0.0.1:${port}/graphql/stream?${new URLSearchParams(parameters)}`, options);
  t.after(() => source.close());
  return source;
}

/** The answers of an operation that ends by itself. */
async function ask(client, query, variables) {
  const answers = [];
  for await (const answer of client.iterate({ query, variables })) answers.push(answer);
  return answers;
}

const CHANGES = 'subscription($after: String, $id: ID!) { changes(after: $after, projectId: $id) { cursor type version } }';

/** Waits until as many cursors were told as events have happened, and compares each of them. */
async function expectAll(told, projectId, place) {
  const happened = await program.readCursors(projectId, place);
  await until(() => told.length >= happened.length, () => `${told.length} of ${happened.length} events`);
  // One told twice comes right behind.
  await sleep(50);
  assert.deepEqual(told.map((event) => event.cursor), happened);
  return happened.length;
}

test('graphql-sse: queries and mutations', async (t) => {
  const client = connect(t, program.stream);
  const [made, ...more] = await ask(client, 'mutation { createProject(input: { name: "Asked by graphql-sse" }) { project { id name } userErrors { code } } }');
  assert.deepEqual(more, []);
  const { project, userErrors } = made.data.createProject;
  assert.deepEqual([project.name, userErrors], ['Asked by graphql-sse', []]);
  const asked = await ask(client, 'query($id: ID!) { project(id: $id) { name featureCount } }', { id: project.id });
  assert.deepEqual(asked, [{ data: { project: { name: 'Asked by graphql-sse', featureCount: 0 } } }]);
  const [wrong] = await ask(client, '{ nothing }');
  assert.match(wrong.errors[0].message, /nothing/);
});

test('graphql-sse: nothing is lost and nothing doubled where the line is cut and the program restarted', async (t) => {
  const line = await lay(t);
  const seen = {};
  const client = connect(t, `http://127.0.0.1:${line.port}/graphql/stream`, seen);
  const place = await program.readEnd();
  const project = await program.createProject('Followed by graphql-sse');
  const feature = await program.createFeature(project, 'A feature');
  const told = [];
  const ends = [];
  // The client sends the same request again when it comes back: a getter says where it is by then.
  const variables = { id: project, get after() { return told.at(-1)?.cursor ?? place; } };
  client.subscribe({ query: CHANGES, variables }, {
    next: ({ data, errors }) => (errors ? ends.push(errors) : told.push(data.changes)),
    error: (error) => ends.push(error),
    complete: () => ends.push('complete'),
  });
  await until(() => told.length === 2, 'the past');
  assert.deepEqual(told.map((event) => event.type), ['project.create', 'feature.create']);

  let cut = 0;
  for (let turn = 0; turn < 50; turn += 1) {
    await program.setPriority(feature, 1 + turn % 13);
    if (turn % 10 === 5) cut += line.cut();
    if (turn % 10 === 9) await sleep(30);
  }
  assert.equal(await expectAll(told, project, place), 52);
  assert.equal(cut, 5);

  const before = seen.connections;
  await program.stop();
  await program.startAgain();
  await program.setPriority(feature, 13);
  await program.setPriority(feature, 1);
  assert.equal(await expectAll(told, project, place), 54);
  assert.ok(seen.connections > before);
  assert.deepEqual(ends, []);
});

test('EventSource: it is told that a query is answered', async (t) => {
  const source = open(t, program.port, { query: '{ __typename }' });
  const told = [];
  source.addEventListener('next', ({ data }) => told.push(JSON.parse(data)));
  // Who does not hear this comes back, and asks again and again.
  source.addEventListener('complete', () => { told.push('complete'); source.close(); });
  source.addEventListener('error', ({ code }) => { told.push(code ?? 'the end of the stream'); source.close(); });
  await until(() => told.length === 2, () => JSON.stringify(told));
  assert.deepEqual(told, [{ data: { __typename: 'Query' } }, 'complete']);
});

test('EventSource: it goes on by itself where it was', async (t) => {
  const line = await lay(t);
  const place = await program.readEnd();
  const project = await program.createProject('Followed by EventSource');
  const feature = await program.createFeature(project, 'A feature');
  const parameters = { query: CHANGES, variables: JSON.stringify({ id: project, after: place }) };
  const asked = [];
  const source = open(t, line.port, parameters, {
    fetch: (url, init) => {
      asked.push(init.headers['Last-Event-ID'] ?? null);
      return fetch(url, init);
    },
  });
  const told = [];
  const errors = [];
  source.addEventListener('next', ({ data, lastEventId }) => {
    const { changes } = JSON.parse(data).data;
    assert.equal(lastEventId, changes.cursor);
    told.push(changes);
  });
  source.addEventListener('complete', () => errors.push('complete'));
  source.addEventListener('error', ({ code }) => errors.push(code));
  await until(() => told.length === 2, () => `the past: ${JSON.stringify({ told, errors })}`);

  // It waits three seconds before it comes back, and somebody writes all the while: before the cut, and while it is away.
  const cursors = [];
  for (const cut of [() => line.cut(), async () => { await program.stop(); await program.startAgain(); }]) {
    await program.setPriority(feature, 3);
    await until(async () => told.length === (await program.readCursors(project, place)).length, 'what came before the cut');
    cursors.push(told.at(-1).cursor);
    await cut();
    for (let priority = 4; priority <= 13; priority += 1) await program.setPriority(feature, priority);
    await expectAll(told, project, place);
  }
  assert.equal(told.length, 24);
  assert.deepEqual(told.slice(1).map((event) => event.version), [...Array(23).keys()].map((index) => index + 1));
  // It has named the last that had arrived.
  assert.deepEqual(asked, [null, ...cursors]);
  assert.ok(!errors.includes('complete'));
});
