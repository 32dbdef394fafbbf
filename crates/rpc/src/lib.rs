//! JSON-RPC over HTTP and WebSocket for an EVM chain.
