#!/usr/bin/env node
// Plain JavaScript, so that an old Node says what is wrong instead of failing on the first type.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `sluice needs Node 22.18 or newer; this is ${process.versions.node}. 'npx sluice' takes the project's own.`,
  );
  process.exit(2);
}
await import('../src/cli/main.ts');
