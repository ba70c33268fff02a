// Apollo Client, its core without React, over HTTP with subscriptions over graphql-ws: pages of a connection that grow together in the
// normalized cache (relayStylePagination), a mutation whose answer a watched query sees without another request, and a subscription whose
// answers are written into the same objects, over a cut.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { getMainDefinition, relayStylePagination } from '@apollo/client/utilities';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { createBoard, NAMES } from './features.mjs';
import { Program, until } from './program.mjs';

let program;
before(async () => { program = await Program.start(); });
// What has failed must not keep the process.
const sockets = [];
after(async () => {
  for (const socket of sockets) socket.dispose();
  await program.close();
});

/** A client with an empty cache, which counts its requests over HTTP. */
function connect() {
  const seen = { requests: 0 };
  const socket = createClient({ url: program.socket, webSocketImpl: WebSocket, retryWait: () => sleep(20), shouldRetry: () => true });
  sockets.push(socket);
  const http = new HttpLink({
    uri: program.url,
    fetch: (...request) => {
      seen.requests += 1;
      return fetch(...request);
    },
  });
  const isSubscription = ({ query }) => getMainDefinition(query).operation === 'subscription';
  const client = new ApolloClient({
    link: ApolloLink.split(isSubscription, new GraphQLWsLink(socket), http),
    cache: new InMemoryCache({ typePolicies: { Query: { fields: { features: relayStylePagination(['filter', 'orderBy']) } } } }),
  });
  return { client, socket, seen };
}

const FEATURES = gql`
  query Features($project: ID!, $first: Int!, $after: String) {
    features(first: $first, after: $after, orderBy: [{ field: NAME }], filter: { project: { id: { eq: $project } } }) {
      edges { cursor node { id name priority status } }
      pageInfo { hasNextPage endCursor }
    }
  }
`;

/** Watches the features of a project, two at first. */
function watch(client, project) {
  const query = client.watchQuery({ query: FEATURES, variables: { project, first: 2 } });
  const shown = { all: [] };
  query.subscribe(({ data, error }) => {
    if (error) throw error;
    if (data?.features) shown.all.push(data.features.edges.map(({ node }) => node));
  });
  Object.defineProperty(shown, 'last', { get: () => shown.all.at(-1) ?? [] });
  return { query, shown };
}

test('Apollo Client: pages grow together', async () => {
  const { client, seen } = connect();
  const { project } = await createBoard(program, 'Paged by Apollo');
  const { query, shown } = watch(client, project);
  await until(() => shown.last.length === 2, 'the first page');
  const sizes = [2];
  let pageInfo = query.getCurrentResult().data.features.pageInfo;
  while (pageInfo.hasNextPage) {
    const more = await query.fetchMore({ variables: { after: pageInfo.endCursor } });
    ({ pageInfo } = more.data.features);
    await until(() => shown.last.length > sizes.at(-1), () => `one more page: ${JSON.stringify(more)}`);
    sizes.push(shown.last.length);
  }
  assert.deepEqual(sizes, [2, 4, 6, 7]);
  assert.equal(seen.requests, 4);
  assert.deepEqual(shown.last.map(({ name }) => name), NAMES);
  client.stop();
});

test('Apollo Client: what a mutation answers is seen by a query that is watched', async () => {
  const { client, seen } = connect();
  const { project, features } = await createBoard(program, 'Changed by Apollo');
  const { shown } = watch(client, project);
  await until(() => shown.last.length === 2, 'the first page');
  assert.equal(shown.last[0].priority, 5);
  const { data } = await client.mutate({
    mutation: gql`
      mutation($input: UpdateFeatureInput!) {
        updateFeature(input: $input) { feature { id priority } version userErrors { code } cursor }
      }
    `,
    variables: { input: { id: features.a, expectedVersion: 1, priority: 13 } },
  });
  assert.deepEqual([data.updateFeature.version, data.updateFeature.userErrors], [2, []]);
  await until(() => shown.last[0].priority === 13, 'the change');
  assert.deepEqual(shown.last.map(({ name }) => name), ['a', 'b']);
  assert.equal(seen.requests, 2);
  client.stop();
});

test('Apollo Client: what a subscription tells is written into the cache', async () => {
  const { client, socket, seen } = connect();
  const { project, features } = await createBoard(program, 'Followed by Apollo');
  const place = await program.readEnd();
  const { shown } = watch(client, project);
  await until(() => shown.last.length === 2, 'the first page');

  const told = [];
  const changed = gql`
    subscription($project: ID!, $after: String) {
      featureChanged(projectId: $project, after: $after) { cursor version feature { id name priority status } }
    }
  `;
  const following = client.subscribe({ query: changed, variables: { project, after: place } }).subscribe({
    next: ({ data, error }) => told.push(error ?? data.featureChanged),
    error: (error) => told.push(error),
  });
  // Somebody else changes it: before the cut, and while the client is away.
  await program.setPriority(features.b, 1);
  await until(() => shown.last[1].priority === 1, () => `the change: ${JSON.stringify(told)}`);
  socket.terminate();
  await program.setPriority(features.b, 2);
  await until(() => shown.last[1].priority === 2, () => `the change while away: ${JSON.stringify(told)}`);
  assert.equal(shown.last[0].priority, 5);
  assert.equal(told.at(-1).version, 3);
  assert.equal(seen.requests, 1);
  following.unsubscribe();
  client.stop();
});
