// Puts the rules of the official AMP validator at .cache/judges/validator_wasm.js, for validation without a network.
//
// AMP publishes the file only on its own site. The npm tarball of Next.js carries it, so the one file is taken out
// of that tarball: both are held to the digests written here, and nothing of Next.js is installed or run.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGE = "next@15.5.29";
const TARBALL = "next-15.5.29.tgz";
const TARBALL_SHA512 = "93AMszTCdi9Az7fD5VzcWy46SHCdQF45+i53K0LpDc4dDXCwB9P1SxP1wBYZKW6dF3HJnz41jyEni1vmgCluiw==";
const MEMBER = "package/dist/compiled/amphtml-validator/validator_wasm.js";
const MEMBER_SHA512 = "/in1r0I85LDAaTSFJiO3ytOM1a5779oeDlXhQKsyKusZP12k6gwtGCv5aEm0smv6r3i8tt+bh420UGeeNt/HqA==";

const target = join(dirname(fileURLToPath(import.meta.url)), "..", "..", ".cache", "judges", "validator_wasm.js");

function sha512(bytes) {
  return createHash("sha512").update(bytes).digest("base64");
}

function hold(bytes, digest, name) {
  if (sha512(bytes) !== digest) throw new Error(`${name} is not the file that it was: sha512 ${sha512(bytes)}`);
  return bytes;
}

function fetchRules() {
  const folder = mkdtempSync(join(tmpdir(), "amp-rules-"));
  try {
    const npm = ["pack", PACKAGE, "--ignore-scripts", "--silent", "--pack-destination", folder];
    execFileSync("npm", npm, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
    const tarball = join(folder, TARBALL);
    hold(readFileSync(tarball), TARBALL_SHA512, TARBALL);
    const rules = execFileSync("tar", ["-xzOf", tarball, MEMBER], { maxBuffer: 16_000_000 });
    return hold(rules, MEMBER_SHA512, MEMBER);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (!existsSync(target) || sha512(readFileSync(target)) !== MEMBER_SHA512) {
  const rules = fetchRules();
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(`${target}.new`, rules);
  renameSync(`${target}.new`, target);
}
