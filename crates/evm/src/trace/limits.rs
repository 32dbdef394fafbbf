//! Bounds on what a tracer keeps in memory.

use alloy_rpc_types_trace::geth::GethDebugTracingOptions;
use revm_inspectors::tracing::{
    DebugInspector, DebugInspectorError, TraceLimitBehavior, TraceLimits, TracingInspector,
};

/// Steps of a struct-log trace; a step takes about 0.3 kB and 32 bytes for each stack word.
pub(super) const MAX_STEPS: u64 = 250_000;
/// Bytes of calldata and memory that a tracer copies.
const MAX_BYTES: usize = 256 << 20;

/// A tracer with its bounds.
pub(super) struct Limited {
    pub(super) inspector: DebugInspector,
    /// With so many struct logs the trace is cut off, and the caller did not ask for that.
    pub(super) max_steps: Option<u64>,
}

impl Limited {
    pub(super) fn new(mut options: GethDebugTracingOptions) -> Result<Self, DebugInspectorError> {
        let asked = options.config.limit.filter(|limit| *limit != 0);
        let unasked = asked.is_none_or(|limit| limit > MAX_STEPS);
        options.config.limit = Some(asked.unwrap_or(MAX_STEPS).min(MAX_STEPS));
        let limit = |inspector: TracingInspector| {
            inspector.with_limits(
                TraceLimits::default()
                    .set_max_recorded_bytes(Some(MAX_BYTES))
                    .set_behavior(TraceLimitBehavior::Halt),
            )
        };
        let inspector = match DebugInspector::new(options)? {
            DebugInspector::CallTracer(inspector, config) => {
                DebugInspector::CallTracer(limit(inspector), config)
            }
            DebugInspector::PreStateTracer(inspector, config) => {
                DebugInspector::PreStateTracer(limit(inspector), config)
            }
            DebugInspector::FlatCallTracer(inspector) => {
                DebugInspector::FlatCallTracer(limit(inspector))
            }
            DebugInspector::Erc7562Tracer(inspector, config) => {
                DebugInspector::Erc7562Tracer(limit(inspector), config)
            }
            DebugInspector::Default(inspector, config) => {
                DebugInspector::Default(limit(inspector), config)
            }
            other => other,
        };
        Ok(Self { inspector, max_steps: unasked.then_some(MAX_STEPS) })
    }
}

/// Whether the EVM stopped because a tracer would have kept too much.
pub(super) fn is_limit(reason: &str) -> bool {
    reason.contains("recorded byte limit")
}
