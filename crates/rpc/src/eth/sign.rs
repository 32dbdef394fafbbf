//! Signatures of development accounts on messages (EIP-191).

use crate::{Args, Failure, context::Context, methods::Table};
use alloy_primitives::eip191_hash_message;
use jsonrpsee::core::RegisterMethodError;
use mezz_primitives::{Address, Bytes};

pub(super) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.quick("eth_sign", sign)?;
    table.quick("personal_sign", personal_sign)
}

fn sign(context: &Context, mut args: Args<'_>) -> Result<Bytes, Failure> {
    let address = args.required()?;
    let message = args.required()?;
    args.end()?;
    signature(context, address, &message)
}

/// As `eth_sign` with the arguments the other way round; a password, if any, is not looked at.
fn personal_sign(context: &Context, mut args: Args<'_>) -> Result<Bytes, Failure> {
    let message = args.required()?;
    let address = args.required()?;
    signature(context, address, &message)
}

fn signature(context: &Context, address: Address, message: &Bytes) -> Result<Bytes, Failure> {
    let digest = eip191_hash_message(message);
    Ok(context.hooks.sign_digest(address, digest)?.into())
}
