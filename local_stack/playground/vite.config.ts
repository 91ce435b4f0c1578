import { defineConfig } from 'vitest/config';

declare const process: { readonly env: Readonly<Record<string, string | undefined>> };

// `npm run dev` serves the sources and asks a running stack for the rest.
const stack = process.env['SUPABASE_URL'] ?? 'http://127.0.0.1:54321';

export default defineConfig({
    build: { target: 'es2022', assetsInlineLimit: 0, reportCompressedSize: false },
    // The tests of the modules without a page.
    test: { include: ['test/*.test.ts'] },
    server: { proxy: { '/playground.json': { target: stack, changeOrigin: true } } },
});
