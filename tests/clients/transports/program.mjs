// The program as a process of its own, on a database of its own, which ends with the tests that started it; and a line to it that can be cut.
//
//     PROGRAM=target/debug/throughline node --test
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

// A machine that builds something else meanwhile is slow; nothing here takes long by itself.
const PATIENCE_MS = 20_000;

// The program must not outlive the tests, however they end.
const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGKILL'); });
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/** The program, running. */
export class Program {
  #folder = mkdtempSync(join(tmpdir(), 'throughline-transports-'));
  #settings;
  #process;
  port = 0;

  /** Starts it; `settings` are variables of its environment. */
  static async start(settings = {}) {
    const program = new Program();
    program.#settings = settings;
    await program.#spawn();
    return program;
  }

  get url() { return `http://127.0.0.1:${this.port}/graphql`; }
  get stream() { return `${this.url}/stream`; }
  get socket() { return `ws://127.0.0.1:${this.port}/graphql/ws`; }

  async #spawn() {
    const path = process.env.PROGRAM;
    if (!path) throw new Error('PROGRAM says which program is tested');
    const database = `sqlite://${join(this.#folder, 'test.db')}`;
    const options = ['serve', '--listen', `127.0.0.1:${this.port}`, '--database', database, '--log-format', 'text'];
    const child = spawn(path, options, { env: { ...process.env, ...this.#settings }, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process = child;
    running.add(child);
    child.once('exit', () => running.delete(child));
    const said = [];
    await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`the program did not start:\n${said.join('\n')}`)));
      createInterface({ input: child.stderr }).on('line', (line) => {
        said.push(line);
        const port = /http:\/\/127\.0\.0\.1:(\d+)\/graphql/.exec(line)?.[1];
        if (port) {
          this.port = Number(port);
          resolve();
        }
      });
    });
  }

  /** Ends the process, and waits until it is gone. */
  async stop(signal = 'SIGTERM') {
    const child = this.#process;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  /** Starts it again where it was, on the same database. */
  async startAgain() {
    await this.#spawn();
  }

  /** Ends it for good. */
  async close() {
    await this.stop();
    rmSync(this.#folder, { recursive: true });
  }

  /** What the program answers to a plain request: somebody else, who is no client under test. */
  async ask(query, variables = {}) {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = await response.json();
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  }

  /** Makes a project, and features in it; the project's id. */
  async createProject(name, features = []) {
    const query = 'mutation($name: String!) { createProject(input: { name: $name }) { project { id } userErrors { message } } }';
    const { createProject } = await this.ask(query, { name });
    if (!createProject.project) throw new Error(JSON.stringify(createProject.userErrors));
    for (const feature of features) await this.createFeature(createProject.project.id, feature);
    return createProject.project.id;
  }

  /** Makes a feature; its id. */
  async createFeature(projectId, name) {
    const query = `mutation($input: CreateFeatureInput!) { createFeature(input: $input) { feature { id } userErrors { message } } }`;
    const { createFeature } = await this.ask(query, { input: { projectId, name } });
    if (!createFeature.feature) throw new Error(JSON.stringify(createFeature.userErrors));
    return createFeature.feature.id;
  }

  /** Gives a feature another priority. */
  async setPriority(id, priority) {
    const query = 'mutation($input: UpdateFeatureInput!) { updateFeature(input: $input) { userErrors { message } } }';
    const { updateFeature } = await this.ask(query, { input: { id, priority } });
    if (updateFeature.userErrors.length > 0) throw new Error(JSON.stringify(updateFeature.userErrors));
  }

  /** The cursors of all that has happened in a project after a cursor, in order: what a subscriber must have been told. */
  async readCursors(projectId, after = null) {
    const query = 'query($id: ID!, $after: String) { changes(projectId: $id, after: $after, first: 1000) { nodes { cursor } } }';
    const { changes } = await this.ask(query, { id: projectId, after });
    return changes.nodes.map((event) => event.cursor);
  }

  /** The cursor of the last that has happened. */
  async readEnd() {
    const { changes } = await this.ask('{ changes(last: 1) { pageInfo { endCursor } } }');
    return changes.pageInfo.endCursor;
  }
}

/** A line to a port of this machine that can be cut at any byte, as lines are. */
export class Line {
  #sockets = new Set();
  #server;

  static async to(port) {
    const line = new Line();
    line.#server = net.createServer((near) => {
      const far = net.connect(port, '127.0.0.1');
      for (const [from, to] of [[near, far], [far, near]]) {
        line.#sockets.add(from);
        from.pipe(to);
        from.on('error', () => {});
        from.on('close', () => {
          line.#sockets.delete(from);
          to.destroy();
        });
      }
    });
    await new Promise((resolve) => line.#server.listen(0, '127.0.0.1', resolve));
    return line;
  }

  get port() { return this.#server.address().port; }

  /** Cuts what is open; whoever connects again gets through. Says how many connections there were. */
  cut() {
    const count = this.#sockets.size / 2;
    for (const socket of this.#sockets) socket.destroy();
    return count;
  }

  async close() {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }
}

/** Waits until something holds, and fails where it never does; `what` is said then. */
export async function until(holds, what) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    if (await holds()) return;
    if (Date.now() > deadline) throw new Error(`waited for ${PATIENCE_MS} ms: ${typeof what === 'function' ? what() : what}`);
    await sleep(10);
  }
}
