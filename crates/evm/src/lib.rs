//! Block execution: a pure function from state and transactions to a state difference.
