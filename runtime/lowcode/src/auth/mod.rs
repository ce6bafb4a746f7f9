//! Authenticators as state machines: which request to send next, what to put into a request. The host runs them, outside of the sandbox.
