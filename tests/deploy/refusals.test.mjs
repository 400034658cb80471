// After everything else: whatever the functions did, nothing that they asked for was refused.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { linesOf } from './logs.mjs';
import { Stack } from './stack.mjs';

/** It serves pages, asks AWS for nothing and has nothing to tell. */
const SILENT = 'console';

for (const fn of (await Stack.find()).functions().filter((name) => name !== SILENT))
  test(`${fn} was refused nothing that it asked AWS for`, async () => {
    const lines = await linesOf(fn);
    assert.ok(lines.length > 0, 'it wrote nothing');
    assert.deepEqual(
      lines.filter((line) => /AccessDenied|not authorized to perform/.test(line)),
      [],
    );
  });
