import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

import { defineConfig } from 'vite';

// The server holds each file as it sends it: as small as brotli and gzip can make it, once, here.
function compressed() {
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  const compress = async (file) => {
    const content = readFileSync(file);
    writeFileSync(`${file}.br`, await promisify(brotliCompress)(content, quality));
    writeFileSync(`${file}.gz`, await promisify(gzip)(content, { level: 9 }));
    rmSync(file);
  };
  return {
    name: 'compressed',
    async writeBundle({ dir }, bundle) {
      await Promise.all(Object.keys(bundle).map((name) => compress(join(dir, name))));
    },
  };
}

export default defineConfig({
  // Relative addresses: the server may be mounted below any path.
  base: './',
  plugins: [compressed()],
  build: {
    assetsDir: 'graphiql',
    // A file of its own for each asset, so that the policy of the page allows no `data:` for our sake.
    assetsInlineLimit: 0,
    // The folder is kept by git; `build` empties it.
    emptyOutDir: false,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 5000,
    rolldownOptions: {
      checks: { pluginTimings: false },
      // "use client" means nothing in a bundle that has no server's part.
      onLog: (level, log, report) => log.code === 'MODULE_LEVEL_DIRECTIVE' || report(level, log),
    },
  },
});
