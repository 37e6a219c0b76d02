// Runs the console's tests: node run.mjs unit|types|browser|screenshots --modules node_modules
//   unit         the functions without a page
//   types        against docs/openapi.yaml
//   browser      in Chromium (ASSENT_CHROMIUM), against the daemons in ASSENT_BIN
//   screenshots  … those of docs/console.md, anew
// `npm ci` in clients/console gives the modules; ctest has them in the build tree.
import {spawnSync} from 'node:child_process';
import {cpSync, mkdtempSync, rmSync, symlinkSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {dirname, join, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';

const {
  values: given,
  positionals: [what],
} = parseArgs({options: {modules: {type: 'string'}}, allowPositionals: true});
const here = dirname(fileURLToPath(import.meta.url));
const home = dirname(here);
const modules = resolve(given.modules ?? join(home, 'node_modules'));

function run(program, args, options = {}) {
  const {status, error} = spawnSync(program, args, {stdio: 'inherit', ...options});
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

async function inFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'assent-console-'));
  process.on('exit', () => rmSync(folder, {recursive: true, force: true}));
  await work(folder);
}

const tasks = {
  unit: () =>
    inFolder(async folder => {
      const names = ['unit', 'pictures', 'past'];
      await createRequire(join(modules, 'x.js'))('esbuild').build({
        entryPoints: names.map(name => join(here, `${name}.test.ts`)),
        bundle: true,
        platform: 'node',
        format: 'esm',
        outdir: folder,
        outExtension: {'.js': '.mjs'},
        nodePaths: [modules],
        jsx: 'automatic',
        jsxImportSource: 'preact',
        logLevel: 'error',
      });
      run(process.execPath, ['--test', ...names.map(name => join(folder, `${name}.test.mjs`))]);
    }),
  types: () =>
    inFolder(folder => {
      cpSync(join(home, 'src'), join(folder, 'src'), {recursive: true});
      cpSync(join(home, 'tsconfig.json'), join(folder, 'tsconfig.json'));
      symlinkSync(modules, join(folder, 'node_modules'));
      run(process.execPath, [
        join(modules, 'openapi-typescript/bin/cli.js'),
        join(home, '../../docs/openapi.yaml'),
        '--output',
        join(folder, 'src/api-types.d.ts'),
      ]);
      run(process.execPath, [join(modules, 'typescript/bin/tsc'), '--noEmit', '-p', folder]);
    }),
  browser: () =>
    run(process.execPath, ['--test', join(here, 'browser.test.mjs')], {
      env: {...process.env, ASSENT_MODULES: modules},
    }),
  screenshots: () =>
    run(process.execPath, [join(here, 'screenshots.mjs')], {
      env: {...process.env, ASSENT_MODULES: modules},
    }),
};
if (!tasks[what]) throw new Error(`what is to be run: ${Object.keys(tasks).join(', ')}`);
await tasks[what]();
