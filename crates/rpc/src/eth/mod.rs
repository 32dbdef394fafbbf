//! `eth_`, one file for each area.

mod blocks;
mod call;
mod fees;
mod fill;
pub(crate) mod filters;
mod fork;
mod logs;
mod node;
mod overrides;
mod send;
mod sign;
mod simulate;
mod state;
mod subscribe;
mod transactions;

pub(crate) use call::{Environment, call_request, failed};

use crate::methods::Table;
use jsonrpsee::core::RegisterMethodError;

pub(crate) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    node::register(table)?;
    fees::register(table)?;
    state::register(table)?;
    blocks::register(table)?;
    transactions::register(table)?;
    logs::register(table)?;
    filters::register(table)?;
    call::register(table)?;
    simulate::register(table)?;
    send::register(table)?;
    sign::register(table)?;
    fork::register(table)?;
    subscribe::register(table)
}
