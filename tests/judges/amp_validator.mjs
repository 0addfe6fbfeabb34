// The official AMP validator as a long-lived process: one JSON string (a page) a line in, one JSON result a line out.
//
// Usage: node amp_validator.mjs RULES_FILE

import { createInterface } from "node:readline";

import amphtmlValidator from "amphtml-validator";

const validator = await amphtmlValidator.getInstance(process.argv[2]);

for await (const line of createInterface({ input: process.stdin })) {
  const { status, errors } = validator.validateString(JSON.parse(line));
  const findings = errors.map(({ severity, line, col, message }) => `${severity} ${line}:${col} ${message}`);
  process.stdout.write(`${JSON.stringify({ status, findings })}\n`);
}
