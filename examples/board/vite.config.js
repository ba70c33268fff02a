import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// The page and GraphQL come from one origin, so that the browser needs no permission for either. `Host` stays as the browser sent it: the
// server compares it with `Origin` before it opens a WebSocket.
const proxy = {
  '/graphql': { target: process.env.THROUGHLINE ?? 'http://127.0.0.1:8000', ws: true, changeOrigin: false },
};

export default defineConfig({
  plugins: [react()],
  server: { host: '127.0.0.1', proxy },
  preview: { host: '127.0.0.1', proxy },
});
