// urql with its normalized cache (graphcache), over HTTP with subscriptions over graphql-ws: pages of a connection that grow together in the
// cache (relayPagination), a mutation whose answer a watched query sees without another request, and a subscription whose answers are
// written into the same objects, or, for a feature that is new, into the list.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, fetchExchange, gql, subscriptionExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { getIntrospectionQuery } from 'graphql';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { createBoard, NAMES } from './features.mjs';
import { Program, until } from './program.mjs';

let program;
let schema;
before(async () => {
  program = await Program.start();
  // With it the cache knows what may be null, and says where a query asks for what there is not.
  schema = await program.ask(getIntrospectionQuery());
});
// What has failed must not keep the process.
const sockets = [];
after(async () => {
  for (const socket of sockets) socket.dispose();
  await program.close();
});

const FEATURES = gql`
  query Features($project: ID!, $first: Int!, $after: String) {
    features(first: $first, after: $after, orderBy: [{ field: NAME }], filter: { project: { id: { eq: $project } } }) {
      edges { cursor node { id name priority status } }
      pageInfo { hasNextPage endCursor }
    }
  }
`;

/** A client with an empty cache, which counts its requests over HTTP. */
function connect(updates = {}) {
  const seen = { requests: 0, warnings: [] };
  const socket = createClient({ url: program.socket, webSocketImpl: WebSocket, retryWait: () => sleep(20), shouldRetry: () => true });
  sockets.push(socket);
  const client = new Client({
    url: program.url,
    preferGetMethod: false,
    fetch: (...request) => {
      seen.requests += 1;
      return fetch(...request);
    },
    exchanges: [
      cacheExchange({
        schema,
        updates,
        resolvers: { Query: { features: relayPagination() } },
        // Types without ids, which are parts of other objects.
        keys: Object.fromEntries(['FeatureConnection', 'FeatureEdge', 'FeatureChange', 'PageInfo'].map((name) => [name, () => null])),
        logger: (severity, text) => { if (severity !== 'debug') seen.warnings.push(text); },
      }),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
        }),
      }),
    ],
  });
  return { client, socket, seen };
}

/** Watches a page of the features of a project. */
function watch(client, variables) {
  const shown = { page: null, error: null };
  const { unsubscribe } = client.query(FEATURES, variables).subscribe(({ data, error }) => {
    shown.error = error ?? null;
    if (data) shown.page = data.features;
  });
  return {
    unsubscribe,
    get nodes() {
      if (shown.error) throw shown.error;
      return shown.page?.edges.map(({ node }) => node) ?? [];
    },
    get pageInfo() { return shown.page.pageInfo; },
  };
}

test('urql: pages grow together', async () => {
  const { client, seen } = connect();
  const { project } = await createBoard(program, 'Paged by urql');
  let shown = watch(client, { project, first: 2 });
  await until(() => shown.nodes.length === 2, 'the first page');
  const sizes = [2];
  while (shown.pageInfo.hasNextPage) {
    const more = watch(client, { project, first: 2, after: shown.pageInfo.endCursor });
    await until(() => more.nodes.length > sizes.at(-1), 'one more page');
    sizes.push(more.nodes.length);
    shown.unsubscribe();
    shown = more;
  }
  assert.deepEqual(sizes, [2, 4, 6, 7]);
  assert.deepEqual(shown.nodes.map(({ name }) => name), NAMES);
  assert.equal(seen.requests, 4);
  assert.deepEqual(seen.warnings, []);
  shown.unsubscribe();
});

test('urql: what a mutation answers is seen by a query that is watched', async () => {
  const { client, seen } = connect();
  const { project, features } = await createBoard(program, 'Changed by urql');
  const shown = watch(client, { project, first: 2 });
  await until(() => shown.nodes.length === 2, 'the first page');
  assert.equal(shown.nodes[0].priority, 5);
  const mutation = gql`
    mutation($input: UpdateFeatureInput!) {
      updateFeature(input: $input) { feature { id priority } version }
    }
  `;
  const { data, error } = await client.mutation(mutation, { input: { id: features.a, expectedVersion: 1, priority: 13 } });
  assert.equal(error, undefined);
  assert.equal(data.updateFeature.version, 2);
  await until(() => shown.nodes[0].priority === 13, 'the change');
  assert.deepEqual(shown.nodes.map(({ name }) => name), ['a', 'b']);
  assert.equal(seen.requests, 2);
  shown.unsubscribe();
});

const CHANGED = gql`
  subscription($project: ID!, $after: String) {
    featureChanged(projectId: $project, after: $after) { cursor version feature { id name priority status } }
  }
`;

test('urql: what a subscription tells is written into the cache', async () => {
  const { project, features } = await createBoard(program, 'Followed by urql');
  const variables = { project, first: 10 };
  const { client, socket, seen } = connect({
    Subscription: {
      // The cache knows the objects by their ids; of a list it does not know what belongs to it.
      featureChanged: ({ featureChanged: { version, feature } }, _, cache) => {
        if (version > 1) return;
        cache.updateQuery({ query: FEATURES, variables }, (known) => {
          known.features.edges.push({ __typename: 'FeatureEdge', cursor: '', node: feature });
          return known;
        });
      },
    },
  });
  const place = await program.readEnd();
  const shown = watch(client, variables);
  await until(() => shown.nodes.length === 7, 'the list');

  const told = [];
  const following = client.subscription(CHANGED, { project, after: place }).subscribe(({ data, error }) => {
    if (error) told.push(error);
    else if (data) told.push(data.featureChanged);
  });
  await program.setPriority(features.b, 1);
  await until(() => shown.nodes[1].priority === 1, () => `the change: ${JSON.stringify(told)}`);
  socket.terminate();
  await program.setPriority(features.b, 2);
  await until(() => shown.nodes[1].priority === 2, () => `the change while away: ${JSON.stringify(told)}`);
  assert.equal(shown.nodes[0].priority, 5);
  assert.equal(told.at(-1).version, 3);

  await program.createFeature(project, 'h');
  await until(() => shown.nodes.length === 8, 'what is new');
  assert.deepEqual(shown.nodes.map(({ name }) => name), [...NAMES, 'h']);
  assert.equal(seen.requests, 1);
  following.unsubscribe();
  shown.unsubscribe();
});
