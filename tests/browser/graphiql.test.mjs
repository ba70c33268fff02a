// GraphiQL as a person meets it: it comes from the server alone, complains of nothing, and all that it shows first works.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { ask, launch, openPage, photograph } from './browser.mjs';

const url = process.env.THROUGHLINE_URL;
const examples = readdirSync(new URL('../../graphiql/src/examples', import.meta.url));

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** A page on which GraphiQL has learnt the schema. */
async function openGraphiql(options) {
  const opened = await openPage(browser, url, options);
  await opened.page.getByLabel('Execute query').waitFor();
  await opened.page.waitForFunction(() => !document.querySelector('.graphiql-spinner'));
  return opened;
}

/** Runs what the tab holds, and gives what the server answered. */
async function run(page) {
  const isAnswer = (response) => response.request().method() === 'POST';
  const [response] = await Promise.all([page.waitForResponse(isAnswer), page.getByLabel('Execute query').click()]);
  return { answer: await response.json(), request: response.request() };
}

/** Waits until the text stands in the answer's pane. The editor writes blanks as no-break spaces. */
async function seeInAnswer(page, text) {
  const isThere = (text) =>
    document.querySelector('.result-window .view-lines')?.innerText.replaceAll('\u00a0', ' ').includes(text);
  await page.waitForFunction(isThere, text);
}

/** Waits until the editor holds the tab's operation; its variables follow within the same turn of the page. */
async function seeInEditor(page, name) {
  const isThere = (name) => [...document.querySelectorAll('.view-lines')].some((lines) => lines.innerText.includes(name));
  await page.waitForFunction(isThere, name);
  await page.waitForTimeout(200);
}

async function useDarkTheme(page) {
  await page.getByLabel('Open settings dialog').click();
  await page.getByRole('button', { name: 'Dark' }).click();
  await page.keyboard.press('Escape');
}

test('each example answers', async () => {
  const { page, complaints } = await openGraphiql();
  const tabs = await page.getByRole('tab').all();
  assert.equal(tabs.length, examples.length);
  for (const tab of tabs) {
    await tab.click();
    const name = (await tab.innerText()).trim();
    if (['Changes', 'FeatureChanged'].includes(name)) continue;
    await seeInEditor(page, name);
    const { answer } = await run(page);
    assert.equal(answer.errors, undefined, JSON.stringify(answer));
    for (const [name, value] of Object.entries(answer.data)) {
      assert.ok(value !== null, `${name} is null`);
      assert.deepEqual(value.userErrors ?? [], []);
    }
    await seeInAnswer(page, `"${Object.keys(answer.data)[0]}"`);
  }
  await tabs[0].click();
  await photograph(page, 'graphiql');
  assert.deepEqual(complaints, []);
});

test('the documentation of a type is what the schema says', async () => {
  const { page, complaints } = await openGraphiql();
  await page.getByLabel('Show Documentation Explorer').click();
  await page.getByRole('link', { name: 'Feature', exact: true }).click();
  await page.getByText('How much it matters: 1 (least) to 13 (most).').waitFor();
  await photograph(page, 'documentation');
  assert.deepEqual(complaints, []);
});

test('headers go with the request', async () => {
  const { page, complaints } = await openGraphiql();
  await page.getByRole('button', { name: 'Headers' }).click();
  await page.getByRole('region', { name: 'Headers' }).click();
  await page.keyboard.insertText('{ "x-request-id": "from-graphiql" }');
  const { request } = await run(page);
  assert.equal(request.headers()['x-request-id'], 'from-graphiql');
  assert.deepEqual(complaints, []);
});

test('it is dark where that is chosen', async () => {
  const { page, complaints } = await openGraphiql();
  await useDarkTheme(page);
  await page.getByRole('tab', { name: 'WhatIf' }).click();
  await run(page);
  await page.getByLabel('Show GraphiQL Explorer').click();
  await page.getByText('expectedVersion:').waitFor();
  await photograph(page, 'dark');
  assert.deepEqual(complaints, []);
});

test('the plans of a query are drawn', async () => {
  const { page, complaints } = await openGraphiql();
  await page.getByRole('tab', { name: 'Failing' }).click();
  await seeInEditor(page, 'Failing');
  await page.getByLabel('Show Plans').click();
  const plans = page.getByRole('region', { name: 'Plans' });
  await plans.getByRole('button', { name: 'Explain' }).click();
  await plans.getByText('no warnings').waitFor();
  const paths = await plans.locator('.path').allInnerTexts();
  assert.ok(paths.includes('features'), paths.join(', '));
  const statements = await plans.locator('.statement').count();
  assert.ok(statements > 0);
  await plans.getByText('Plan', { exact: true }).first().click();
  await plans.getByText(/features/).first().waitFor();
  // No index knows what a name of a test contains, so that all tests are looked at.
  await page.getByRole('tab', { name: 'FirstProjects' }).click();
  await seeInEditor(page, 'FirstProjects');
  await page.getByRole('region', { name: 'Operation Editor' }).click();
  await page.keyboard.press('ControlOrMeta+A');
  const slow = '{ features(first: 5, filter: { tests: { some: { name: { contains: "x y" } } } }) { nodes { name } } }';
  await page.keyboard.insertText(slow);
  // The editor has closed the first bracket by itself.
  await page.keyboard.press('Delete');
  await page.getByLabel('Prettify').click();
  await page.getByRole('region', { name: 'Operation Editor' }).click();
  await page.keyboard.press('ControlOrMeta+Home');
  await plans.getByRole('button', { name: 'Explain' }).click();
  await plans.getByText('1 warning').waitFor();
  await plans.getByText('MANY_ROWS_READ').waitFor();
  await photograph(page, 'plans');
  // What would change something is not run for it.
  await page.getByRole('tab', { name: 'WhatIf' }).click();
  await seeInEditor(page, 'WhatIf');
  await plans.getByRole('button', { name: 'Explain' }).click();
  await plans.getByText('Only a query is explained here').waitFor();
  assert.deepEqual(complaints, []);
});

test('a subscription shows what another client did', { timeout: 20_000 }, async () => {
  const { page, complaints } = await openGraphiql();
  await page.getByRole('tab', { name: 'FeatureChanged' }).click();
  await seeInEditor(page, 'FeatureChanged');
  const subscribed = new Promise((resolve) => {
    page.on('websocket', (socket) => {
      socket.on('framesent', ({ payload }) => payload.includes('"subscribe"') && resolve(socket.url()));
    });
  });
  await page.getByLabel('Execute query').click();
  assert.equal(await subscribed, `${url.replace('http', 'ws')}/ws`);
  const { features } = await ask(url, '{ features(first: 1, orderBy: { field: NAME }) { nodes { id priority } } }');
  const [{ id, priority }] = features.nodes;
  const other = priority === 5 ? 4 : 5;
  const update = 'mutation ($id: ID!, $priority: Int) { updateFeature(input: { id: $id, priority: $priority }) { version } }';
  // Nothing tells a client that a subscription has begun, so that the first changes may be before it.
  const seen = seeInAnswer(page, `"priority": ${other}`).then(() => true);
  do {
    await ask(url, update, { id, priority });
    await ask(url, update, { id, priority: other });
  } while (!(await Promise.race([seen, page.waitForTimeout(200)])));
  await photograph(page, 'subscription');
  await ask(url, update, { id, priority });
  assert.deepEqual(complaints, []);
});
