// The panel "Plans": runs the tab's query as an instance administrator may, and draws how the server has read it.
import { useGraphiQL } from '@graphiql/react';
import { Kind, parse } from 'graphql';
import { useState } from 'react';

function Icon() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round">
      <path d="M4 5h9M8 12h9M12 19h8" />
      <path d="M4 5v7h4M8 12v7h4" />
    </svg>
  );
}

/** The operation that is meant: the only one, or the one that the cursor was in. */
function findOperation(query, cursorIn) {
  const operations = parse(query).definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  const [only, ...others] = operations;
  // GraphiQL learns the name of what was just typed a moment later.
  const operation = others.length === 0 ? only : operations.find((operation) => operation.name?.value === cursorIn);
  if (!operation) throw new Error('There are several operations: put the cursor into the one that is meant.');
  return operation;
}

/** What the server says of the query; an error's text where it says nothing. */
async function explain(url, headers, { query, variables, cursorIn }) {
  const operation = findOperation(query, cursorIn);
  const operationName = operation.name?.value;
  if (operation.operation !== 'query') throw new Error('Only a query is explained here: this would change something, or go on.');
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'throughline-explain': 'analyze', ...headers },
    body: JSON.stringify({ query, operationName, variables: variables.trim() ? JSON.parse(variables) : undefined }),
  });
  const { extensions, errors } = await answer.json();
  if (!extensions?.explain) throw new Error(errors?.map((error) => error.message).join('\n') ?? 'The answer tells nothing.');
  return extensions.explain;
}

/** The plugin, for the server at `url`, whose requests say who asks by `headers`. */
export function plansPlugin(url, headers) {
  return { title: 'Plans', icon: Icon, content: () => <Plans url={url} headers={headers} /> };
}

function Plans({ url, headers }) {
  const { queryEditor, variableEditor, operationName: cursorIn } = useGraphiQL((state) => state);
  const [{ report, error, isRunning }, setState] = useState({});
  const run = async () => {
    setState({ report, isRunning: true });
    const asked = { query: queryEditor?.getValue() ?? '', variables: variableEditor?.getValue() ?? '', cursorIn };
    setState(await explain(url, headers, asked).then((report) => ({ report }), (error) => ({ error: error.message })));
  };
  return (
    <section className="plans" aria-label="Plans">
      <div className="graphiql-doc-explorer-title">Plans</div>
      <p>How the server reads this query: its statements, and what the database does for each. It is run twice.</p>
      <button type="button" className="graphiql-button" onClick={run} disabled={isRunning}>
        {isRunning ? 'Running …' : 'Explain'}
      </button>
      {error && <p role="alert">{error}</p>}
      {report && <Report report={report} />}
    </section>
  );
}

function Report({ report }) {
  const { statements, warnings } = report;
  return (
    <>
      <p className={warnings.length ? 'warned' : undefined}>
        {count(statements.length, 'statement')}, {warnings.length === 0 ? 'no warnings' : count(warnings.length, 'warning')}
      </p>
      <Fields fields={report.fields} report={report} />
    </>
  );
}

function Fields({ fields, report }) {
  return (
    <ul>
      {fields.map((field) => (
        <li key={field.path}>
          <Field field={field} report={report} />
          {field.fields.length > 0 && <Fields fields={field.fields} report={report} />}
        </li>
      ))}
    </ul>
  );
}

function Field({ field, report }) {
  const own = field.statements.filter((number) => report.statements[number].paths[0] === field.path);
  const others = field.statements.filter((number) => !own.includes(number));
  return (
    <>
      <b className="path">{field.path}</b>
      <p>{field.brings}</p>
      {own.map((number) => (
        <Statement key={number} statement={report.statements[number]} warnings={report.warnings.filter((warning) => warning.statement === number)} />
      ))}
      {others.map((number) => (
        <p key={number}>in the statement of {report.statements[number].paths[0]}</p>
      ))}
    </>
  );
}

const count = (number, what) => `${number} ${what}${number === 1 ? '' : 's'}`;
const ms = (number) => `${number.toFixed(2)} ms`;

function Statement({ statement, warnings }) {
  const { keys, rows, durationMs, sql, measured, problem } = statement;
  return (
    <div className={warnings.length ? 'statement warned' : 'statement'}>
      <p>
        <b>{rows === null ? '' : `${count(rows, 'row')} `}</b>for {count(keys, 'key')} in <b>{ms(durationMs)}</b>
        {measured && !problem && `; ${work(measured)}`}
      </p>
      {warnings.map((warning) => (
        <p key={warning.code} role="note">
          <b>{warning.code}</b>: {warning.message}. {warning.advice}
        </p>
      ))}
      <details>
        <summary>SQL</summary>
        <pre>{sql}</pre>
      </details>
      {problem && <p>Not measured: {problem}</p>}
      {measured && (
        <details open={warnings.length > 0}>
          <summary>Plan</summary>
          <ul>{Array.isArray(measured.plan) ? steps(measured.plan, 0) : <Node node={measured.plan} />}</ul>
        </details>
      )}
    </div>
  );
}

function work(measured) {
  if ('vmSteps' in measured) return `again ${ms(measured.executionMs)}, ${measured.vmSteps} steps, ${measured.fullScanSteps} rows of full scans`;
  return `again ${ms(measured.executionMs)}, ${measured.rowsRead} rows read, ${measured.pagesHit + measured.pagesRead} pages`;
}

/** The steps of SQLite's plan that are parts of another one. */
function steps(plan, parent) {
  return plan
    .filter((step) => step.parent === parent)
    .map((step) => (
      <li key={step.id}>
        {step.detail}
        <ul>{steps(plan, step.id)}</ul>
      </li>
    ));
}

/** A node of PostgreSQL's plan, and those below. */
function Node({ node }) {
  const isRun = 'Actual Rows' in node;
  const rows = isRun ? Math.round(node['Actual Rows'] * node['Actual Loops']) : node['Plan Rows'];
  const thrownAway = Math.round((node['Rows Removed by Filter'] ?? 0) * node['Actual Loops']);
  return (
    <li>
      {node['Node Type']}
      {node['Index Name'] && ` using ${node['Index Name']}`}
      {node['Relation Name'] && ` on ${node['Relation Name']}`}: {!isRun && 'about '}
      {count(rows, 'row')}
      {thrownAway > 0 && `, ${thrownAway} thrown away`}
      <ul>
        {node.Plans?.map((child, place) => (
          <Node key={place} node={child} />
        ))}
      </ul>
    </li>
  );
}
