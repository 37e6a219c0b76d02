// Bundles the console and writes it as C++: node build.mjs --modules node_modules --out console_files.cpp
import {createHash} from 'node:crypto';
import {readFileSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname, join, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {gzipSync} from 'node:zlib';

const MOST_PACKED_BYTES = 150 * 1024; // of the first load: all of it

const {values: given} = parseArgs({options: {modules: {type: 'string'}, out: {type: 'string'}}});
const modules = resolve(given.modules);
const source = join(dirname(fileURLToPath(import.meta.url)), 'src');
const esbuild = createRequire(join(modules, 'x.js'))('esbuild');

async function bundle(entry) {
  const result = await esbuild.build({
    entryPoints: [join(source, entry)],
    bundle: true,
    minify: true,
    write: false,
    target: ['chrome123', 'firefox120', 'safari17.5'],
    format: 'esm',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    nodePaths: [modules],
    legalComments: 'none',
    logLevel: 'error',
  });
  return Buffer.from(result.outputFiles[0].contents);
}

const read = name => readFileSync(join(source, name));
const files = [
  {path: '/', type: 'text/html; charset=utf-8', plain: read('index.html')},
  {
    path: '/console/app.js',
    type: 'text/javascript; charset=utf-8',
    plain: await bundle('main.tsx'),
  },
  {path: '/console/app.css', type: 'text/css; charset=utf-8', plain: await bundle('style.css')},
  {path: '/console/icon.svg', type: 'image/svg+xml', plain: read('icon.svg')},
];
for (const file of files) file.gzip = gzipSync(file.plain, {level: 9});

const size = files.reduce((sum, file) => sum + file.gzip.length, 0);
if (size > MOST_PACKED_BYTES)
  throw new Error(
    `the console is ${size} bytes compressed; at most ${MOST_PACKED_BYTES} are allowed`,
  );

const bytes = (name, data) =>
  `constexpr char ${name}[] = {\n${[...data]
    .map((byte, i) => `${byte > 127 ? byte - 256 : byte},${i % 32 === 31 ? '\n' : ''}`)
    .join('')}};\n`;
const etag = data => `"W/\\"${createHash('sha256').update(data).digest('hex').slice(0, 16)}\\""`;

const arrays = files.map(
  (file, i) => bytes(`kPlain${i}`, file.plain) + bytes(`kGzip${i}`, file.gzip),
);
const rows = files.map(
  (file, i) =>
    `    {"${file.path}", "${file.type}", ${etag(file.plain)},\n` +
    `     {kPlain${i}, sizeof kPlain${i}}, {kGzip${i}, sizeof kGzip${i}}},\n`,
);
writeFileSync(
  given.out,
  `// Made by clients/console/build.mjs.
#include "protocol/runtime/console.hpp"

namespace assent {
namespace {
${arrays.join('')}
constexpr ConsoleFile kFiles[] = {
${rows.join('')}};
}  // namespace

std::span<const ConsoleFile> console_files() {
  return kFiles;
}

}  // namespace assent
`,
);
console.log(`Console: ${(size / 1024).toFixed(1)} KiB compressed`);
