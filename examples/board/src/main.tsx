import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Provider } from 'urql';

import { App } from './App';
import { client } from './client/client';
import './style/base.css';
import './style/projects.css';
import './style/board.css';
import './style/panel.css';
import './style/notices.css';

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <Provider value={client}>
      <App />
    </Provider>
  </StrictMode>,
);
