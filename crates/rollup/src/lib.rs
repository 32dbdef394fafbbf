//! The optimistic rollup: sequencer, batcher, proposer and verifier.
