//! `debug_`: blocks and transactions as bytes, and traces.

mod raw;
mod trace;

use crate::methods::Table;
use jsonrpsee::core::RegisterMethodError;

pub(crate) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    raw::register(table)?;
    trace::register(table)
}
