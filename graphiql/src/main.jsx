// The page: GraphiQL on the server that it came from, with examples to begin with.
import 'graphiql/setup-workers/vite';
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import '@graphiql/plugin-explorer/style.css';
import 'graphiql/graphiql.css';
import './page.css';

import { explorerPlugin } from '@graphiql/plugin-explorer';
import { createGraphiQLFetcher, createLocalStorage } from '@graphiql/toolkit';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { createRoot } from 'react-dom/client';

import { exampleTabs, findExampleIds } from './examples.js';
import { plansPlugin } from './plans.jsx';
import { Viewer, authorization, findViewer } from './viewer.jsx';

// The page stands where GraphQL is, below whatever path the server is mounted.
const url = location.origin + location.pathname;
const headers = authorization();
const fetcher = createGraphiQLFetcher({
  url,
  subscriptionUrl: `${url.replace(/^http/, 'ws')}/ws`,
  headers,
  wsConnectionParams: headers,
});

// Other GraphiQLs may be on this host: each has its own tabs and history.
const storage = createLocalStorage({ namespace: `throughline:${location.pathname}` });

const [viewer, ids] = await Promise.all([findViewer(url), findExampleIds(url, headers)]);
const tabs = exampleTabs(ids);
const plugins = [HISTORY_PLUGIN, explorerPlugin(), plansPlugin(url, headers)];

createRoot(document.getElementById('graphiql')).render(
  <GraphiQL
    fetcher={fetcher}
    storage={storage}
    defaultTabs={tabs}
    plugins={plugins}
    inputValueDeprecation
    schemaDescription
  >
    <GraphiQL.Logo>
      <span className="logo">Throughline</span>
      <Viewer viewer={viewer} />
    </GraphiQL.Logo>
  </GraphiQL>,
);
