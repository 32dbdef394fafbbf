//! The hostile contracts of the Foundry tests, compiled, for attacks on running nodes.

use alloy::{
    primitives::{Bytes, U256},
    sol,
};
use mezz_contracts::Artifact;
use std::{fs, path::Path};

sol! {
    interface ICaller {
        function set(address target, bytes data) external;
        function setRefusing(bool refusing) external;
        function calls() external view returns (uint256);
        function ok() external view returns (bool);
        function answer() external view returns (bytes4);
    }

    interface ISending {
        function go(address target, bytes data) external payable;
    }

    interface IToken {
        function mint(address to, uint256 amount) external;
        function totalSupply() external view returns (uint256);
    }

    interface ICallingToken {
        function set(address from, address target, bytes data) external;
        function ok() external view returns (bool);
    }

    interface IOddToken {
        function set(bool broken, bool silent) external;
    }

    interface IReentrantToken {
        function arm(address bridge, uint256 amount) external;
    }
}

/// Code that creates a contract of `contracts/test`. `arguments` are its constructor's, a word each.
pub(crate) fn init_code(name: &str, arguments: &[U256]) -> Bytes {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("contracts/test/artifacts");
    let path = folder.join(name).with_extension("json");
    let json = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let artifact: Artifact = serde_json::from_slice(&json).expect("written by contracts/build.mjs");
    let words = arguments.iter().flat_map(U256::to_be_bytes::<32>);
    artifact.creation_code.iter().copied().chain(words).collect()
}
