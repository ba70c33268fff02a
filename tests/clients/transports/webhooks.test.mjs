// Standard Webhooks' own library (npm: standardwebhooks) checks what receivers are sent, by http and by https with an authority that
// the program is told to trust; a receiver whose certificate nobody vouches for is sent nothing.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { Program, until } from './program.mjs';

const folder = mkdtempSync(join(tmpdir(), 'throughline-webhooks-'));
let program;
let trusted;
before(async () => {
  trusted = makeCertificate('trusted');
  const keys = execFileSync(process.env.PROGRAM, ['keys', 'generate'], { encoding: 'utf8' }).trim();
  program = await Program.start({
    SSL_CERT_FILE: trusted.file,
    THROUGHLINE_ENCRYPTION_KEYS: keys,
    THROUGHLINE_WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8',
  });
});
after(async () => {
  await program?.close();
  rmSync(folder, { recursive: true });
});

/** A certificate for this machine's address, and its key. */
function makeCertificate(name) {
  const [file, keyFile] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', `/CN=${name}`,
    '-addext', 'subjectAltName=IP:127.0.0.1', '-addext', 'basicConstraints=critical,CA:FALSE', '-keyout', keyFile, '-out', file,
  ], { stdio: 'ignore' });
  return { file, cert: readFileSync(file), key: readFileSync(keyFile) };
}

/** A receiver that keeps what it is sent, for as long as a test runs, and where it is. */
async function receive(t, certificate) {
  const came = [];
  const answer = async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    came.push({ headers: request.headers, body: Buffer.concat(parts).toString() });
    response.writeHead(204).end();
  };
  const server = certificate ? https.createServer(certificate, answer) : http.createServer(answer);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { came, url: `${certificate ? 'https' : 'http'}://127.0.0.1:${server.address().port}/hook` };
}

/** Has a project's events sent to an address; the webhook's id and secret. */
async function createWebhook(projectId, url) {
  const query = `mutation($input: CreateWebhookInput!) {
    createWebhook(input: $input) { webhook { id secret } userErrors { message } } }`;
  const { createWebhook } = await program.ask(query, { input: { projectId, url } });
  if (!createWebhook.webhook) throw new Error(JSON.stringify(createWebhook.userErrors));
  return createWebhook.webhook;
}

for (const scheme of ['http', 'https']) {
  test(`the library trusts what comes by ${scheme}, and nothing that was changed on the way`, async (t) => {
    const receiver = await receive(t, scheme === 'https' ? trusted : undefined);
    const project = await program.createProject(`by ${scheme}`);
    const { secret } = await createWebhook(project, receiver.url);
    const place = await program.readEnd();
    const feature = await program.createFeature(project, 'Ünïcode ✓');
    for (const priority of [3, 2, 1]) await program.setPriority(feature, priority);
    const happened = await program.readCursors(project, place);
    await until(() => receiver.came.length >= happened.length, () => `${receiver.came.length} of ${happened.length} events`);

    const library = new Webhook(secret);
    const told = receiver.came.map(({ headers, body }) => library.verify(body, headers));
    assert.deepEqual(told.map(({ data }) => data.cursor), happened);
    assert.deepEqual(told.map(({ data }) => data.version), [1, 2, 3, 4]);
    assert.deepEqual(told.map(({ data }) => data.id), receiver.came.map(({ headers }) => headers['webhook-id']));

    const { headers, body } = receiver.came[0];
    const refused = (changed, as) => assert.throws(() => library.verify(changed, as), WebhookVerificationError);
    refused(body.replace('Ünïcode', 'Unicode'), headers);
    refused(body, { ...headers, 'webhook-id': receiver.came[1].headers['webhook-id'] });
    assert.throws(() => new Webhook(`whsec_${Buffer.alloc(32).toString('base64')}`).verify(body, headers), WebhookVerificationError);
  });
}

test('a receiver whose certificate nobody vouches for is sent nothing', async (t) => {
  const receiver = await receive(t, makeCertificate('stranger'));
  const project = await program.createProject('by a stranger');
  const { id } = await createWebhook(project, receiver.url);
  await program.createFeature(project, 'a');
  const query = 'query($id: ID!) { webhook(id: $id) { deliveries(first: 1) { nodes { attempts lastError } } } }';
  let delivery;
  await until(async () => {
    [delivery] = (await program.ask(query, { id })).webhook.deliveries.nodes;
    return delivery?.lastError;
  }, 'an attempt that failed');
  assert.match(delivery.lastError, /trusted/);
  assert.equal(receiver.came.length, 0);
});
