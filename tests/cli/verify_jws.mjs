// Verify a JWS with a JWK set, both from standard input as JSON, and print its payload.
import { readFileSync } from "node:fs";
import { compactVerify, createLocalJWKSet } from "jose";

const { jws, jwks } = JSON.parse(readFileSync(0, "utf8"));
const { payload } = await compactVerify(jws, createLocalJWKSet(jwks));
process.stdout.write(payload);
