// Connectors for hub in JavaScript: `hub.source({…})` and `hub.destination({…})` become the exports of the component. What a connector can do stands in
// the modules here, one per interface of the ABI; using one is what imports it. Natively the same calls reach the fake host of `hub-sdk/testing`.

export { Batch, destination } from './destination.js';
export { ConnectorError } from './errors.js';
export * as files from './files.js';
export { encode, get, post, Request, Response } from './http.js';
export { recordOf } from './ndjson.js';
export { Output } from './output.js';
export { greatest, PageRequest, readPages } from './pages.js';
export * as runtime from './runtime.js';
export { source, StreamRequest } from './source.js';
