//! An EVM chain: state, durable storage, block building and unwinding.
