//! Compiled contracts, their bindings, the deployment plan and the L2 predeploys.
