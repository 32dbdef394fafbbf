//! Signatures of development accounts on messages (EIP-191) and on typed data (EIP-712).

use crate::{Args, Failure, context::Context, methods::Table};
use alloy_dyn_abi::TypedData;
use alloy_primitives::eip191_hash_message;
use jsonrpsee::core::RegisterMethodError;
use mezz_primitives::{Address, Bytes};
use serde_json::Value;
use std::{collections::HashMap, fmt::Display};

/// Bytes of the name of a type in typed data, with its brackets.
const MAX_TYPE_NAME: usize = 128;
/// Types within each other.
const MAX_TYPE_DEPTH: usize = 32;
/// Places in a type, with those of the types in it.
const MAX_TYPE_SIZE: usize = 10_000;

pub(super) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.quick("eth_sign", sign)?;
    table.quick("personal_sign", personal_sign)?;
    table.read("eth_signTypedData", sign_typed_data)?;
    table.read("eth_signTypedData_v4", sign_typed_data)
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

/// The data is an object, or its JSON as a string, as wallets send it.
fn sign_typed_data(context: &Context, mut args: Args<'_>) -> Result<Bytes, Failure> {
    let address: Address = args.required()?;
    let mut data: Value = args.required()?;
    args.end()?;
    let wrong =
        |error: &dyn Display| Failure::invalid_params(format!("invalid typed data: {error}"));
    if let Value::String(text) = &data {
        data = serde_json::from_str(text).map_err(|error| wrong(&error))?;
    }
    // The library would look into a text again, behind the bounds.
    if !data.is_object() {
        let words = "expected an object with types, primaryType, domain and message (EIP-712), \
            or its JSON as a string";
        return Err(wrong(&words));
    }
    if !resolvable(&data["types"]) {
        let words = "its types are circular, or too long, deep or many to be resolved";
        return Err(wrong(&words));
    }
    // Of an object it does not say what is wrong, of its text it does.
    let text = Value::String(data.to_string());
    let typed: TypedData = serde_json::from_value(text).map_err(|error| wrong(&error))?;
    let digest = typed.eip712_signing_hash().map_err(|error| wrong(&error))?;
    Ok(context.hooks.sign_digest(address, digest)?.into())
}

/// Whether every type is of a size that can be resolved. A few lines can declare types that are
/// endless, or that double with each of them.
fn resolvable(types: &Value) -> bool {
    let mut known = HashMap::new();
    let mut names = types.as_object().into_iter().flatten().map(|(name, _)| name);
    names.all(|name| size_of_type(name, types, &mut Vec::new(), &mut known).is_some())
}

/// The places in the type `name`, if they are not too many; `path` are the types that it is in.
fn size_of_type<'a>(
    name: &'a str,
    types: &'a Value,
    path: &mut Vec<&'a str>,
    known: &mut HashMap<&'a str, usize>,
) -> Option<usize> {
    if name.len() > MAX_TYPE_NAME || path.len() > MAX_TYPE_DEPTH {
        return None;
    }
    let base = name.split('[').next().unwrap_or(name);
    if let Some(size) = known.get(base) {
        return Some(*size);
    }
    let Some(fields) = types.get(base).and_then(Value::as_array) else { return Some(1) };
    if path.contains(&base) {
        return None;
    }
    path.push(base);
    let mut size = 1;
    for field in fields {
        let name = field["type"].as_str().unwrap_or_default();
        size += size_of_type(name, types, path, known)?;
        if size > MAX_TYPE_SIZE {
            return None;
        }
    }
    path.pop();
    known.insert(base, size);
    Some(size)
}

fn signature(context: &Context, address: Address, message: &Bytes) -> Result<Bytes, Failure> {
    let digest = eip191_hash_message(message);
    Ok(context.hooks.sign_digest(address, digest)?.into())
}
