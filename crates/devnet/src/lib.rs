//! The embedded Layer 1: an EVM chain in L1 configuration with blobs and developer verbs.
