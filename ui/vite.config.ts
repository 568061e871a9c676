import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const OUTPUT = "../src/aiop/ui";
const SERVER = process.env.AIOP_SERVER ?? "http://127.0.0.1:8000";
const SMALL = 1024;

/** Lays `.br` and `.gz` beside every text file, so that the service need not compress. */
function precompress(): Plugin {
  return {
    name: "precompress",
    apply: "build",
    async closeBundle() {
      const directory = join(import.meta.dirname, OUTPUT, "assets");
      const names = (await readdir(directory)).filter((name) => /\.(js|css|svg)$/.test(name));
      await Promise.all(
        names.map(async (name) => {
          const path = join(directory, name);
          const content = await readFile(path);
          if (content.length < SMALL) return;
          // 11 takes twenty times as long as 9 and saves three percent.
          const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
          await writeFile(`${path}.br`, await promisify(brotliCompress)(content, brotli));
          await writeFile(`${path}.gz`, await promisify(gzip)(content, { level: 9 }));
        }),
      );
    },
  };
}

export default defineConfig({
  plugins: [react(), precompress()],
  build: {
    outDir: OUTPUT,
    emptyOutDir: true,
    // Styles that a page waits for cannot be asked for again once a network has broken off their loading.
    cssCodeSplit: false,
    // A data: URL would need a wider Content-Security-Policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 2000,
    reportCompressedSize: false,
  },
  server: { proxy: { "^/(dagger|auth|audit|monitoring|secrets|healthz|readyz|openapi.json)": SERVER } },
});
