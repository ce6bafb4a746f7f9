//! What a manifest can do, without running it: hosts, streams, schemas, secrets, and why a stream must enter the sandbox.
