// Relay: its compiler takes schema.graphql as it is, and its runtime, without React, runs what was compiled: pages of a connection that grow
// together in the store (a fragment with @refetchable and @connection, whose further pages come through `node`), mutations whose answers
// are seen by who watches, with an updater that puts what is new into the list, and a subscription that writes into the store, over a cut.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import relay from 'relay-runtime';
import WebSocket from 'ws';
import { createBoard, NAMES } from './features.mjs';
import { Program, until } from './program.mjs';

const {
  ConnectionHandler, Environment, Network, Observable, RecordSource, Store, commitMutation, createOperationDescriptor, fetchQuery, getFragment,
  getPaginationMetadata, getPaginationVariables, getRefetchMetadata, getRequest, getSingularSelector, getValueAtPath, requestSubscription,
} = relay;
const require = createRequire(import.meta.url);

let program;
const compiled = {};
before(async () => {
  const folder = fileURLToPath(new URL('relay/', import.meta.url));
  mkdirSync(`${folder}__generated__`, { recursive: true });
  execFileSync(process.execPath, [require.resolve('relay-compiler/cli.js'), 'relay.config.json'], { cwd: folder });
  for (const name of ['BoardQuery', 'Board_project', 'BoardCreateMutation', 'BoardPriorityMutation', 'BoardChangedSubscription']) {
    compiled[name] = require(`./relay/__generated__/${name}.graphql.js`);
  }
  program = await Program.start();
});
// What has failed must not keep the process.
const sockets = [];
after(async () => {
  for (const socket of sockets) socket.dispose();
  await program?.close();
});

/** An environment with an empty store, which counts its requests over HTTP. */
function connect() {
  const seen = { requests: 0 };
  const socket = createClient({ url: program.socket, webSocketImpl: WebSocket, retryWait: () => sleep(20), shouldRetry: () => true });
  sockets.push(socket);
  const ask = async ({ text }, variables) => {
    seen.requests += 1;
    const response = await fetch(program.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: text, variables }),
    });
    return response.json();
  };
  const follow = ({ name, text }, variables) => Observable.create(
    (sink) => socket.subscribe({ operationName: name, query: text, variables }, sink),
  );
  const environment = new Environment({ network: Network.create(ask, follow), store: new Store(new RecordSource()) });
  return { environment, socket, seen };
}

/** Shows a project, and goes on showing it: what React would do. */
async function show(environment, project) {
  const variables = { project };
  await fetchQuery(environment, compiled.BoardQuery, variables).toPromise();
  const operation = createOperationDescriptor(getRequest(compiled.BoardQuery), variables);
  environment.retain(operation);
  const root = environment.lookup(operation.fragment);
  assert.equal(root.isMissingData, false);
  const fragment = getFragment(compiled.Board_project);
  const selector = getSingularSelector(fragment, root.data.project);
  const shown = { name: root.data.project.name, snapshot: environment.lookup(selector) };
  environment.subscribe(shown.snapshot, (snapshot) => { shown.snapshot = snapshot; });

  const { connectionPathInFragmentData, paginationMetadata, paginationRequest } = getPaginationMetadata(fragment, 'show');
  const { identifierInfo } = getRefetchMetadata(fragment, 'show');
  return {
    name: shown.name,
    get id() { return shown.snapshot.data.id; },
    get nodes() {
      assert.equal(shown.snapshot.isMissingData, false);
      return shown.snapshot.data.features.edges.map(({ node }) => node);
    },
    get pageInfo() { return getValueAtPath(shown.snapshot.data, connectionPathInFragmentData).pageInfo; },
    /** What `loadNext` of usePaginationFragment does. */
    async loadNext(count) {
      const base = { ...selector.owner.variables, ...selector.variables };
      const next = getPaginationVariables('forward', count, this.pageInfo.endCursor, base, {}, paginationMetadata);
      next[identifierInfo.identifierQueryVariableName] = this.id;
      await fetchQuery(environment, paginationRequest, next, { networkCacheConfig: { force: true } }).toPromise();
    },
  };
}

/** Puts a feature that was made at the end of the list. */
function append(store, project, feature) {
  const list = ConnectionHandler.getConnection(store.get(project), 'Board_features');
  ConnectionHandler.insertEdgeAfter(list, ConnectionHandler.createEdge(store, list, feature, 'FeatureEdge'));
}

/** Carries a mutation out. */
function commit(environment, mutation, input, updater) {
  return new Promise((resolve, reject) => {
    commitMutation(environment, {
      mutation,
      variables: { input },
      updater,
      onCompleted: (data, errors) => (errors ? reject(new Error(JSON.stringify(errors))) : resolve(data)),
      onError: reject,
    });
  });
}

test('Relay: pages grow together', async () => {
  const { environment, seen } = connect();
  const { project } = await createBoard(program, 'Paged by Relay');
  const board = await show(environment, project);
  assert.equal(board.name, 'Paged by Relay');
  const sizes = [board.nodes.length];
  while (board.pageInfo.hasNextPage) {
    await board.loadNext(3);
    assert.ok(board.nodes.length > sizes.at(-1), 'one more page');
    sizes.push(board.nodes.length);
  }
  assert.deepEqual(sizes, [2, 5, 7]);
  assert.deepEqual(board.nodes.map(({ name }) => name), NAMES);
  assert.equal(seen.requests, 3);
});

test('Relay: what mutations answer is seen by who watches', async () => {
  const { environment, seen } = connect();
  const { project, features } = await createBoard(program, 'Changed by Relay');
  const board = await show(environment, project);
  assert.deepEqual(board.nodes.map(({ priority }) => priority), [5, 5]);

  const changed = await commit(environment, compiled.BoardPriorityMutation, { id: features.a, expectedVersion: 1, priority: 13 });
  assert.deepEqual(changed.updateFeature.userErrors, []);
  assert.deepEqual(board.nodes.map(({ priority }) => priority), [13, 5]);

  const made = await commit(environment, compiled.BoardCreateMutation, { projectId: project, name: 'new', priority: 8 }, (store) => {
    append(store, project, store.getRootField('createFeature').getLinkedRecord('feature'));
  });
  assert.deepEqual(made.createFeature.userErrors, []);
  assert.deepEqual(board.nodes.map(({ name, priority }) => [name, priority]), [['a', 13], ['b', 5], ['new', 8]]);
  assert.equal(seen.requests, 3);
});

test('Relay: what a subscription tells is written into the store', async () => {
  const { environment, socket, seen } = connect();
  const { project, features } = await createBoard(program, 'Followed by Relay');
  const place = await program.readEnd();
  const board = await show(environment, project);
  const told = [];
  const following = requestSubscription(environment, {
    subscription: compiled.BoardChangedSubscription,
    variables: { project, after: place },
    updater: (store, { featureChanged }) => {
      if (featureChanged.version === 1) append(store, project, store.getRootField('featureChanged').getLinkedRecord('feature'));
    },
    onNext: ({ featureChanged }) => told.push(featureChanged),
    onError: (error) => told.push(error),
  });
  await program.setPriority(features.b, 1);
  await until(() => board.nodes[1].priority === 1, () => `the change: ${JSON.stringify(told)}`);
  socket.terminate();
  await program.setPriority(features.b, 2);
  await until(() => board.nodes[1].priority === 2, () => `the change while away: ${JSON.stringify(told)}`);
  assert.equal(told.at(-1).version, 3);

  await program.createFeature(project, 'new');
  await until(() => board.nodes.length === 3, 'what is new');
  assert.deepEqual(board.nodes.map(({ name, priority }) => [name, priority]), [['a', 5], ['b', 2], ['new', 5]]);
  assert.equal(seen.requests, 1);
  following.dispose();
});
