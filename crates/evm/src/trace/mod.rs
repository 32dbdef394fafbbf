//! Replay of transactions and calls under the tracers of `debug_traceTransaction` and
//! `debug_traceCall`.
