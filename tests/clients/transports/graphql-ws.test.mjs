// graphql-ws, the reference client of the protocol graphql-transport-ws: operations of each kind on one connection; what it is told after
// its socket was cut under it or the program was restarted (nothing lost, nothing doubled); and the codes with which the program ends a
// connection, as this client sees them, with what it makes of them.
//
// How a client goes on where it was: it sends the same payload again when it connects again, so `after` is a getter of the payload's
// variables, and is read anew each time.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { Program, until } from './program.mjs';

const MOST_OPERATIONS = 10;
const SETTINGS = {
  THROUGHLINE_WEBSOCKET_INIT_TIMEOUT_MS: '500',
  THROUGHLINE_MAX_WEBSOCKET_OPERATIONS: String(MOST_OPERATIONS),
  THROUGHLINE_PING_INTERVAL_MS: '1000',
};

let program;
before(async () => { program = await Program.start(SETTINGS); });
// What has failed must not keep the process.
const clients = [];
after(async () => {
  for (const client of clients) client.dispose();
  await program.close();
});

/** A client of the program that comes back at once, and tells of each connection. */
function connect(options = {}) {
  const { on, ...rest } = options;
  const seen = { connections: 0, closes: [], pongs: 0 };
  const client = createClient({
    url: program.socket,
    webSocketImpl: WebSocket,
    retryAttempts: 1000,
    retryWait: () => sleep(20),
    // In Node a refused connection is an error, and no close.
    shouldRetry: () => true,
    on: {
      ...on,
      connected: () => { seen.connections += 1; },
      closed: ({ code, reason }) => seen.closes.push({ code, reason }),
      pong: (received) => { seen.pongs += received ? 1 : 0; },
    },
    ...rest,
  });
  clients.push(client);
  return { client, seen };
}

/** The one answer of an operation. */
async function ask(client, query, variables) {
  for await (const answer of client.iterate({ query, variables })) return answer;
  throw new Error('the operation ended without an answer');
}

const CHANGES = 'subscription($after: String, $id: ID!) { changes(after: $after, projectId: $id) { cursor type feature { id priority } } }';

/** Follows a project from a place, over all cuts. */
function follow(client, projectId, place) {
  const told = { events: [], error: null, isComplete: false };
  const variables = { id: projectId, get after() { return told.events.at(-1)?.cursor ?? place; } };
  told.end = client.subscribe({ query: CHANGES, variables }, {
    next: ({ data, errors }) => {
      if (errors) told.error = errors;
      else told.events.push(data.changes);
    },
    error: (error) => { told.error = error; },
    complete: () => { told.isComplete = true; },
  });
  return told;
}

/** Waits until as many events were told as have happened, and compares each of them. */
async function expectAll(told, projectId, place) {
  const happened = await program.readCursors(projectId, place);
  await until(
    () => told.error || told.events.length >= happened.length,
    () => `${told.events.length} of ${happened.length} events`,
  );
  assert.equal(told.error, null);
  // One told twice comes right behind.
  await sleep(50);
  assert.deepEqual(told.events.map((event) => event.cursor), happened);
  return happened.length;
}

test('graphql-ws: queries and mutations', async () => {
  const { client } = connect();
  const made = await ask(client, `mutation($name: String!) { createProject(input: { name: $name }) { project { id name } userErrors { code } cursor } }`, { name: 'Asked by graphql-ws' });
  assert.equal(made.errors, undefined);
  const { project, userErrors, cursor } = made.data.createProject;
  assert.deepEqual([project.name, userErrors], ['Asked by graphql-ws', []]);
  assert.equal(cursor, await program.readEnd());

  const asked = await ask(client, 'query($id: ID!) { project(id: $id) { name featureCount } }', { id: project.id });
  assert.deepEqual(asked.data, { project: { name: 'Asked by graphql-ws', featureCount: 0 } });

  const twice = await ask(client, `mutation { createProject(input: { name: "Asked by graphql-ws" }) { project { id } userErrors { code field } } }`);
  assert.deepEqual(twice.data.createProject, { project: null, userErrors: [{ code: 'NAME_TAKEN', field: ['input', 'name'] }] });

  await assert.rejects(ask(client, '{ nothing }'), (errors) => /nothing/.test(errors[0].message));
  client.dispose();
});

test('graphql-ws: a client that has nothing more to ask is let go', async () => {
  const { client, seen } = connect();
  await ask(client, '{ __typename }');
  await until(() => seen.closes.length > 0, 'the end of the connection');
  // 1006 would be a connection that was cut.
  assert.deepEqual(seen.closes, [{ code: 1000, reason: 'Normal Closure' }]);
  client.dispose();
});

test('graphql-ws: several subscriptions on one connection', async () => {
  const { client, seen } = connect({ keepAlive: 20 });
  const place = await program.readEnd();
  const projects = await Promise.all(['One', 'Two', 'Three'].map((name) => program.createProject(name)));
  const told = projects.map((id) => follow(client, id, place));
  const changed = [];
  const query = 'subscription($id: ID!, $after: String) { featureChanged(projectId: $id, after: $after) { version feature { name priority } } }';
  const end = client.subscribe({ query, variables: { id: projects[0], after: place } }, {
    next: ({ data }) => changed.push(data.featureChanged),
    error: (error) => changed.push(error),
    complete: () => {},
  });

  const features = await Promise.all(projects.map((id) => program.createFeature(id, 'A feature')));
  for (let priority = 1; priority <= 5; priority += 1) {
    await Promise.all(features.map((id) => program.setPriority(id, priority)));
  }
  for (const [index, id] of projects.entries()) {
    assert.equal(await expectAll(told[index], id, place), 7);
    assert.deepEqual(told[index].events.map((event) => event.type), ['project.create', 'feature.create', ...Array(5).fill('feature.update')]);
    assert.deepEqual(new Set(told[index].events.slice(1).map((event) => event.feature.id)), new Set([features[index]]));
  }
  await until(() => changed.at(-1)?.version === 6, () => JSON.stringify(changed));
  assert.deepEqual(changed.at(-1), { version: 6, feature: { name: 'A feature', priority: 5 } });
  assert.equal(seen.connections, 1);
  await until(() => seen.pongs > 0, 'an answer to a ping');

  // One that is ended hears nothing more; the others do.
  told[0].end();
  end();
  await until(() => told[0].isComplete, 'the end of a subscription');
  await Promise.all(features.map((id) => program.setPriority(id, 9)));
  await until(() => told[1].events.length === 8 && told[2].events.length === 8, 'what comes after');
  assert.equal(told[0].events.length, 7);
  assert.equal(seen.connections, 1);
  client.dispose();
});

test('graphql-ws: one operation too many is refused, and the others go on', async () => {
  const { client, seen } = connect();
  const project = await program.createProject('Followed too often');
  const place = await program.readEnd();
  const told = Array.from({ length: MOST_OPERATIONS }, () => follow(client, project, place));
  // That all of them have begun shows only when they tell something.
  await program.createFeature(project, 'A feature');
  await until(() => told.every(({ events }) => events.length === 1), 'all that may follow');
  const more = follow(client, project, place);
  await until(() => more.error, 'the refusal');
  assert.deepEqual(more.error.map(({ extensions }) => extensions.code), ['LIMIT_EXCEEDED']);
  told.pop().end();
  const instead = follow(client, project, place);
  await program.createFeature(project, 'Another feature');
  await until(() => [...told, instead].every(({ events }) => events.length === 2), 'what comes after');
  assert.equal(seen.connections, 1);
  client.dispose();
});

test('graphql-ws: a connection on which nobody says anything is kept', async () => {
  let pings = 0;
  class Pinged extends WebSocket {
    constructor(...parameters) {
      super(...parameters);
      this.on('ping', () => { pings += 1; });
    }
  }
  const { client, seen } = connect({ webSocketImpl: Pinged });
  const project = await program.createProject('Quiet');
  const place = await program.readEnd();
  const told = follow(client, project, place);
  // One that answered no ping would be cut at the next one.
  await until(() => pings === 3, 'three pings');
  await program.createFeature(project, 'A feature');
  await until(() => told.events.length === 1, 'an event');
  assert.deepEqual([seen.connections, seen.closes], [1, []]);
  client.dispose();
});

test('graphql-ws: nothing is lost and nothing doubled where the socket is cut', async () => {
  const { client, seen } = connect();
  const place = await program.readEnd();
  const project = await program.createProject('Cut');
  const feature = await program.createFeature(project, 'A feature');
  const told = follow(client, project, place);
  await until(() => told.events.length === 2, 'the past');

  for (let turn = 0; turn < 100; turn += 1) {
    await program.setPriority(feature, 1 + turn % 13);
    if (turn % 10 === 5) client.terminate();
    // Also while nobody listens, and while the client is about to come back.
    if (turn % 10 === 9) await sleep(30);
  }
  assert.equal(await expectAll(told, project, place), 102);
  assert.equal(seen.closes.filter(({ code }) => code === 4499).length, 10);
  assert.ok(seen.connections > 5, `${seen.connections} connections`);
  client.dispose();
});

test('graphql-ws: a client comes back to a program that was restarted', async () => {
  const { client, seen } = connect();
  const place = await program.readEnd();
  const project = await program.createProject('Restarted');
  const feature = await program.createFeature(project, 'A feature');
  const told = follow(client, project, place);
  await until(() => told.events.length === 2, 'the past');

  for (const signal of ['SIGTERM', 'SIGKILL']) {
    // The last of them are committed, and may not be told yet.
    for (let priority = 1; priority <= 10; priority += 1) await program.setPriority(feature, priority);
    await program.stop(signal);
    await until(() => seen.closes.length > 0, 'the end of the connection');
    await program.startAgain();
    for (let priority = 1; priority <= 10; priority += 1) await program.setPriority(feature, priority);
    assert.equal(await expectAll(told, project, place), signal === 'SIGTERM' ? 22 : 42);
  }
  assert.deepEqual(seen.closes[0], { code: 1001, reason: 'The server stops' });
  assert.ok(seen.connections >= 3, `${seen.connections} connections`);
  client.dispose();
});

/** A WebSocket that says something else than the client wants it to. */
function saying(replace) {
  return class extends WebSocket {
    send(text, ...rest) {
      const other = replace(JSON.parse(text), text);
      if (other !== null) super.send(other, ...rest);
    }
  };
}

/** A WebSocket that is opened with other parameters. */
function opening(protocols, options) {
  return class extends WebSocket {
    constructor(url, wanted) {
      super(url, protocols ?? wanted, options);
    }
  };
}

const SUBSCRIBE = JSON.stringify({ id: '1', type: 'subscribe', payload: { query: '{ __typename }' } });
/** What a client does that ends its connection, and whether it comes back. */
const CLOSES = [
  {
    code: 1009,
    reason: 'The message is too large',
    query: `query { __typename } #${'x'.repeat(2 << 20)}`,
  },
  {
    code: 4400,
    reason: 'Invalid message',
    options: { webSocketImpl: saying(({ type }, text) => (type === 'subscribe' ? '{"type":"start"}' : text)) },
  },
  {
    code: 4401,
    reason: 'Unauthorized',
    options: { webSocketImpl: saying(() => SUBSCRIBE) },
  },
  {
    code: 4403,
    reason: 'Forbidden: a page of another site may not connect',
    options: { webSocketImpl: opening(null, { origin: 'http://elsewhere.example' }) },
    comesBack: true,
  },
  {
    code: 4406,
    reason: 'Subprotocol not acceptable',
    options: { webSocketImpl: opening([]) },
  },
  {
    code: 4408,
    reason: 'Connection initialisation timeout',
    options: { webSocketImpl: saying(() => null) },
    comesBack: true,
  },
  {
    code: 4409,
    reason: 'Subscriber for same already exists',
    options: { generateID: () => 'same' },
    // A subscription that goes on while the second one of its name comes.
    twice: true,
  },
  {
    code: 4429,
    reason: 'Too many initialisation requests',
    options: { on: { opened: (socket) => socket.send('{"type":"connection_init"}') } },
  },
];

for (const { code, reason, options, query = 'subscription { changes { cursor } }', comesBack = false, twice = false } of CLOSES) {
  test(`graphql-ws: a connection ends with ${code}: ${reason}`, async () => {
    const retries = comesBack ? 1 : 1000;
    const { client, seen } = connect({ ...options, retryAttempts: retries });
    const errors = [];
    const payload = { query };
    const sink = { next: () => {}, error: (error) => errors.push(error), complete: () => errors.push('complete') };
    client.subscribe(payload, sink);
    if (twice) client.subscribe(payload, sink);
    await until(() => errors.length === (twice ? 2 : 1), () => JSON.stringify(seen));
    for (const error of errors) assert.deepEqual({ code: error.code, reason: error.reason }, { code, reason });
    // Where coming back is no use, the client knows it by the code.
    assert.deepEqual(seen.closes, Array(comesBack ? 2 : 1).fill({ code, reason }));
    client.dispose();
  });
}

test('graphql-ws: a page of the program itself may connect', async () => {
  const { client } = connect({ webSocketImpl: opening(null, { origin: `http://127.0.0.1:${program.port}` }) });
  assert.deepEqual(await ask(client, '{ __typename }'), { data: { __typename: 'Query' } });
  client.dispose();
});
