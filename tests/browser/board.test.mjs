// The board of examples/board as a person meets it, with another client at work at the same time.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { ask, launch, openPage, photograph } from './browser.mjs';

const url = process.env.THROUGHLINE_URL;
const root = new URL('../../examples/board/', import.meta.url).pathname;

let browser;
let site;
let address;
before(async () => {
  process.env.THROUGHLINE = new URL(url).origin;
  // Vite is the board's, not ours.
  const { preview } = await import(pathToFileURL(createRequire(`${root}package.json`).resolve('vite')));
  site = await preview({ root, configFile: `${root}vite.config.js`, logLevel: 'error', preview: { port: 0 } });
  address = `http://127.0.0.1:${site.httpServer.address().port}/`;
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await site?.close();
});

/** A project of the test's own, with these features. */
async function createProject(name, features) {
  const made = await ask(url, 'mutation ($name: String!) { createProject(input: { name: $name }) { project { id } } }', { name });
  const project = made.createProject.project.id;
  const create = 'mutation ($input: CreateFeatureInput!) { createFeature(input: $input) { feature { id } } }';
  const ids = {};
  for (const feature of features) ids[feature.name] = (await ask(url, create, { input: { projectId: project, ...feature } })).createFeature.feature.id;
  return { project, ids };
}

/** What the other client does. */
async function moveElsewhere(id, status) {
  const move = 'mutation ($id: ID!, $status: FeatureStatus!) { changeFeatureStatus(input: { id: $id, status: $status }) { userErrors { message } } }';
  assert.deepEqual((await ask(url, move, { id, status })).changeFeatureStatus.userErrors, []);
}

/** Results of tests, so that there is something to show: some fail. */
async function recordTests(ids) {
  const results = Object.entries(ids).flatMap(([name, featureId], index) => [...name].map((letter, place) => ({
    featureId, name: `${name} ${place}: ${letter}`, status: place < index % 3 ? 'FAILED' : 'PASSED',
  })));
  const record = 'mutation ($results: [TestRunInput!]!) { recordTestRuns(input: { results: $results }) { created } }';
  await ask(url, record, { results });
}

const readStatus = async (id) => (await ask(url, 'query ($id: ID!) { feature(id: $id) { status } }', { id })).feature.status;

/** The project's board, once it follows what happens. */
async function openBoard(project, options) {
  const opened = await openPage(browser, `${address}#/${project}`, options);
  await opened.page.locator('.line.live').waitFor();
  await opened.page.locator('.card').first().waitFor();
  return opened;
}

const cardIn = (page, status, name) => page.locator(`[data-status="${status}"] .card`, { hasText: name });

test('what another client changes is there within a second', async () => {
  const { project, ids } = await createProject('Seen live', [{ name: 'Passkeys' }, { name: 'Offline mode', status: 'IN_PROGRESS' }]);
  const { page, complaints } = await openBoard(project);
  await cardIn(page, 'NOT_STARTED', 'Passkeys').waitFor();
  await moveElsewhere(ids.Passkeys, 'IN_PROGRESS');
  const committed = performance.now();
  await cardIn(page, 'IN_PROGRESS', 'Passkeys').waitFor({ timeout: 1_000 });
  console.log(`another client's change was seen after ${Math.round(performance.now() - committed)} ms`);
  assert.equal(await page.locator('[data-status="IN_PROGRESS"] .number').innerText(), '2');

  // A feature that the page has never asked for.
  await ask(url, 'mutation ($project: ID!) { createFeature(input: { projectId: $project, name: "Brand new" }) { version } }', { project });
  await cardIn(page, 'NOT_STARTED', 'Brand new').waitFor({ timeout: 1_000 });
  await ask(url, 'mutation ($id: ID!) { deleteFeature(input: { id: $id }) { version } }', { id: ids['Offline mode'] });
  await cardIn(page, 'IN_PROGRESS', 'Offline mode').waitFor({ state: 'detached', timeout: 1_000 });
  await page.locator('[data-status="IN_PROGRESS"] .number').getByText('1', { exact: true }).waitFor();
  assert.deepEqual(complaints, []);
});

test('a board that is opened again goes on where it was left', async () => {
  const { project, ids } = await createProject('Left and opened again', [{ name: 'Passkeys' }]);
  const { page, complaints } = await openBoard(project);
  await page.getByRole('link', { name: 'All projects' }).click();
  await page.locator('.projects li').first().waitFor();
  await moveElsewhere(ids.Passkeys, 'BLOCKED');
  await page.goBack();
  await cardIn(page, 'BLOCKED', 'Passkeys').waitFor();
  assert.deepEqual(complaints, []);
});

test('what a CI job finds is counted on the card, and listed in the panel', async () => {
  const { project, ids } = await createProject('Tested meanwhile', [{ name: 'Passkeys' }]);
  const { page, complaints } = await openBoard(project);
  await page.getByRole('button', { name: 'Passkeys' }).click();
  await page.getByText('No tests are known.').waitFor();
  await recordTests(ids);
  await page.locator('.card').getByText('8/8 passed').waitFor({ timeout: 1_000 });
  await page.getByRole('complementary').getByText('Passkeys 0: P').waitFor();
  assert.deepEqual(complaints, []);
});

test('a move is shown before the server has answered', async () => {
  const { project, ids } = await createProject('Moved at once', [{ name: 'Passkeys' }]);
  const { page, complaints } = await openBoard(project);
  const gate = {};
  gate.isOpen = new Promise((resolve) => { gate.open = resolve; });
  await page.route('**/graphql', async (route) => {
    if (route.request().postData()?.includes('mutation Move')) await gate.isOpen;
    await route.continue();
  });
  await page.getByLabel('Status of Passkeys').selectOption('Blocked');
  await cardIn(page, 'BLOCKED', 'Passkeys').waitFor({ timeout: 1_000 });
  assert.equal(await page.locator('[data-status="BLOCKED"] .number').innerText(), '1');
  assert.equal(await readStatus(ids.Passkeys), 'NOT_STARTED');
  gate.open();
  await page.locator('.card:not(.saving)').waitFor();
  assert.equal(await readStatus(ids.Passkeys), 'BLOCKED');
  await cardIn(page, 'BLOCKED', 'Passkeys').waitFor();
  assert.deepEqual(complaints, []);
});

test('keys walk over the board and take a card along', async () => {
  const { project, ids } = await createProject('Moved by keys', [{ name: 'Passkeys' }, { name: 'Offline mode', status: 'BLOCKED' }]);
  const { page, complaints } = await openBoard(project);
  await cardIn(page, 'NOT_STARTED', 'Passkeys').locator('.open').focus();
  await page.keyboard.press('Shift+ArrowRight');
  await cardIn(page, 'IN_PROGRESS', 'Passkeys').and(page.locator(':not(.saving)')).waitFor();
  assert.equal(await readStatus(ids.Passkeys), 'IN_PROGRESS');
  // The focus went with the card.
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await page.getByRole('complementary', { name: 'Offline mode' }).waitFor();
  assert.deepEqual(complaints, []);
});

test('a move that the status does not allow is taken back, and says why', async () => {
  const { project } = await createProject('Not allowed', [{ name: 'Passkeys' }]);
  const { page, complaints } = await openBoard(project);
  await page.getByLabel('Status of Passkeys').selectOption('Completed');
  await page.getByRole('alert').getByText('COMPLETED cannot follow NOT_STARTED').waitFor();
  await cardIn(page, 'NOT_STARTED', 'Passkeys').waitFor();
  assert.deepEqual(complaints, []);
});

test('a conflict says what the other one did, and can be decided', async () => {
  const { project, ids } = await createProject('Mobile app', [
    { name: 'Biometric unlock', priority: 8 },
    { name: 'Export to CSV', priority: 5 },
    { name: 'Widgets for the home screen', priority: 3 },
    { name: 'Share sheet', priority: 2 },
    { name: 'Passkeys', priority: 8, status: 'IN_PROGRESS' },
    { name: 'Offline mode', priority: 8, status: 'IN_PROGRESS' },
    { name: 'Search in messages', priority: 5, status: 'IN_PROGRESS' },
    { name: 'Push notifications on tablets', priority: 13, status: 'BLOCKED' },
    { name: 'Sign in with a link', priority: 13, status: 'COMPLETED' },
    { name: 'Dark theme', priority: 5, status: 'COMPLETED' },
    { name: 'Pull to refresh', priority: 3, status: 'COMPLETED' },
  ]);
  await recordTests(ids);
  const { page, complaints } = await openBoard(project, { viewport: { width: 1200, height: 700 } });
  // It is taken up, changed by somebody else, and dropped.
  await cardIn(page, 'IN_PROGRESS', 'Passkeys').hover();
  await page.mouse.down();
  await page.locator('[data-status="BLOCKED"]').hover();
  await ask(url, 'mutation ($id: ID!) { updateFeature(input: { id: $id, priority: 13 }) { version } }', { id: ids.Passkeys });
  await cardIn(page, 'IN_PROGRESS', 'Passkeys').getByText('P13').waitFor();
  await page.locator('[data-status="BLOCKED"]').hover();
  await page.mouse.up();

  const notice = page.getByRole('alert', { name: 'The move was not made' });
  await notice.getByText('Somebody else changed “Passkeys” first').waitFor();
  await notice.getByText('priority').nth(1).waitFor();
  assert.match((await notice.innerText()).replaceAll(/\s+/g, ' '), /local-owner \(person\) changed priority .* priority 8 → 13/);
  await cardIn(page, 'IN_PROGRESS', 'Passkeys').waitFor();
  assert.equal(await readStatus(ids.Passkeys), 'IN_PROGRESS');
  await photograph(page, 'board-conflict');

  await notice.getByRole('button', { name: 'Move it to Blocked anyway' }).click();
  await cardIn(page, 'BLOCKED', 'Passkeys').and(page.locator(':not(.saving)')).waitFor();
  await notice.waitFor({ state: 'detached' });
  assert.equal(await readStatus(ids.Passkeys), 'BLOCKED');
  assert.deepEqual(complaints, []);
});

test('a line that is cut is said, and what happened meanwhile comes when it is back', async () => {
  const { project, ids } = await createProject('Cut and back', [{ name: 'Passkeys' }]);
  const { page, cut } = await openBoardToCut(project);
  await cut();
  await page.getByRole('alert').getByText('The line to the server is cut.').waitFor();
  await photograph(page, 'board-cut');
  await moveElsewhere(ids.Passkeys, 'IN_PROGRESS');
  await cut.mend();
  await cardIn(page, 'IN_PROGRESS', 'Passkeys').waitFor();
  await page.locator('.line.live').waitFor();
  assert.equal(await page.getByText('The line to the server is cut.').count(), 0);
});

/** A board whose WebSocket can be cut, and stays so until it is mended. */
async function openBoardToCut(project) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  let isCut = false;
  const lines = new Set();
  await context.routeWebSocket('**/graphql/ws', (line) => {
    if (isCut) return void line.close({ code: 1012 });
    lines.add(line);
    line.connectToServer();
  });
  const page = await context.newPage();
  await page.goto(`${address}#/${project}`);
  await page.locator('.line.live').waitFor();
  await page.locator('.card').first().waitFor();
  const cut = async () => {
    isCut = true;
    for (const line of lines) await line.close({ code: 1012, reason: 'cut' });
  };
  cut.mend = () => {
    isCut = false;
  };
  return { page, cut };
}

test('a feature shows its tests, deployments and history, and long lists have more', async () => {
  const { projects } = await ask(url, '{ projects(first: 1, filter: { name: { eq: "CSS" } }) { nodes { id } } }');
  for (const colorScheme of ['light', 'dark']) {
    const { page, complaints } = await openBoard(projects.nodes[0].id, { colorScheme });
    await photograph(page, `board-${colorScheme}`);
    const completed = page.locator('[data-status="COMPLETED"]');
    assert.equal(await completed.locator('.card').count(), 20);
    await completed.getByRole('button', { name: 'Show more' }).click();
    await completed.locator('.card').nth(39).waitFor();

    await page.getByRole('button', { name: 'Transitions (CSS)', exact: true }).click();
    const panel = page.getByRole('complementary');
    await panel.getByText('api.CSSTransition', { exact: true }).waitFor();
    await photograph(page, `board-panel-${colorScheme}`);
    await panel.getByRole('tab', { name: 'Deployments' }).click();
    await panel.getByText('chrome_android').waitFor();
    await panel.getByRole('tab', { name: 'History' }).click();
    await panel.getByText('made it').waitFor();
    await photograph(page, `board-history-${colorScheme}`);
    await page.keyboard.press('Escape');
    await panel.waitFor({ state: 'detached' });
    assert.deepEqual(complaints, []);
  }
});

test('the list of projects leads to a board', async () => {
  const { page, complaints } = await openPage(browser, address);
  await page.locator('.projects li').nth(23).waitFor();
  await page.getByRole('button', { name: 'Show more' }).click();
  await page.locator('.projects li').nth(47).waitFor();
  await photograph(page, 'board-projects');
  await page.getByRole('link', { name: /^Canvas/ }).click();
  await page.locator('.line.live').waitFor();
  await page.getByRole('heading', { name: 'Canvas' }).waitFor();
  assert.deepEqual(complaints, []);
});
