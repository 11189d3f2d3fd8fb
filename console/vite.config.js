import { defineConfig } from "vite";

export default defineConfig({
  // Relative, so that the page works below whatever path a proxy offers it.
  base: "./",
  experimental: {
    renderBuiltUrl: (name, { hostType }) => (hostType === "html" ? `console/${name}` : { relative: true }),
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../graphsvc/api/static/console",
    emptyOutDir: true,
    modulePreload: false,
    // Names without hashes keep the committed build's history small; the service says how long each may be kept.
    rollupOptions: {
      output: { entryFileNames: "[name].js", chunkFileNames: "[name].js", assetFileNames: "[name][extname]" },
    },
  },
});
