//! The compiled contracts, embedded.

use alloy_primitives::{Bytes, U256};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::LazyLock};

/// Why code could not be made from an artifact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArtifactError {
    /// A value was given for an immutable variable that the contract does not have.
    #[error("{contract:?} has no immutable variable `{name}`")]
    UnknownImmutable {
        /// The contract.
        contract: Contract,
        /// The variable.
        name: String,
    },
    /// No value was given for an immutable variable.
    #[error("the immutable variable `{name}` of {contract:?} has no value")]
    MissingImmutable {
        /// The contract.
        contract: Contract,
        /// The variable.
        name: String,
    },
}

/// What the compiler made of a contract.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// Version of the compiler, with its commit.
    pub compiler: String,
    /// File of the contract, relative to `contracts/`.
    pub source_name: String,
    /// SHA-256 of each source that was compiled, libraries included, in hex.
    pub sources: BTreeMap<String, String>,
    /// Where each immutable variable stands in the runtime code: positions of 32-byte words.
    #[serde(rename = "immutableReferences")]
    pub immutables: BTreeMap<String, Vec<usize>>,
    /// Code that creates the contract; constructor arguments are appended.
    #[serde(rename = "bytecode")]
    pub creation_code: Bytes,
    /// Code of the contract, with zeros for immutable variables.
    #[serde(rename = "deployedBytecode")]
    pub runtime_code: Bytes,
}

macro_rules! contracts {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A contract of this repository.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Contract {
            $($(#[$doc])* $name,)*
        }

        impl Contract {
            /// All contracts.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The contract's name in Solidity.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// The artifact file as committed: JSON with `abi`, `storageLayout` and the fields of
            /// [`Artifact`].
            pub const fn json(self) -> &'static str {
                match self {
                    $(Self::$name => include_str!(concat!(
                        "../../../contracts/artifacts/", stringify!($name), ".json"
                    )),)*
                }
            }

            /// The artifact, parsed on first use.
            pub fn artifact(self) -> &'static Artifact {
                match self {
                    $(Self::$name => {
                        static PARSED: LazyLock<Artifact> = LazyLock::new(|| parse(Contract::$name));
                        &PARSED
                    })*
                }
            }
        }
    };
}

contracts! {
    /// Says which games count and keeps the newest final output root.
    AnchorStateRegistry,
    /// Makes and finds games.
    DisputeGameFactory,
    /// Collects one kind of fee on L2.
    FeeVault,
    /// Tells the L1 part of the fee on L2.
    GasPriceOracle,
    /// Takes batches.
    Inbox,
    /// The L1 origin on L2.
    L1Block,
    /// Messenger on L1.
    L1CrossDomainMessenger,
    /// NFT bridge on L1.
    L1ERC721Bridge,
    /// Token bridge on L1.
    L1StandardBridge,
    /// Messenger on L2.
    L2CrossDomainMessenger,
    /// NFT bridge on L2.
    L2ERC721Bridge,
    /// Token bridge on L2.
    L2StandardBridge,
    /// Records withdrawals on L2.
    L2ToL1MessagePasser,
    /// Many calls in one.
    Multicall3,
    /// Twin of a token of the other layer.
    OptimismMintableERC20,
    /// Makes such twins.
    OptimismMintableERC20Factory,
    /// Twin of an NFT collection of L1.
    OptimismMintableERC721,
    /// Makes such twins.
    OptimismMintableERC721Factory,
    /// Takes deposits and pays withdrawals out.
    Portal,
    /// A proposal of an output root.
    ProposalGame,
    /// ETH as a token.
    WETH9,
}

impl Contract {
    /// The contract's runtime code with its immutable variables filled in, as its constructor
    /// would leave it. For contracts that are part of a genesis.
    ///
    /// # Errors
    /// If the names are not exactly those of the contract's immutable variables.
    pub fn runtime_code(self, immutables: &[(&str, U256)]) -> Result<Bytes, ArtifactError> {
        let artifact = self.artifact();
        let mut code = artifact.runtime_code.to_vec();
        for (name, value) in immutables {
            let unknown =
                || ArtifactError::UnknownImmutable { contract: self, name: (*name).to_owned() };
            for &at in artifact.immutables.get(*name).ok_or_else(unknown)? {
                code.get_mut(at..at + 32)
                    .ok_or_else(unknown)?
                    .copy_from_slice(&value.to_be_bytes::<32>());
            }
        }
        match artifact.immutables.keys().find(|name| immutables.iter().all(|(n, _)| n != name)) {
            Some(name) => {
                Err(ArtifactError::MissingImmutable { contract: self, name: name.clone() })
            }
            None => Ok(code.into()),
        }
    }
}

fn parse(contract: Contract) -> Artifact {
    #[expect(clippy::expect_used, reason = "the text is embedded; a test parses all of them")]
    serde_json::from_str(contract.json()).expect("embedded artifacts are well-formed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};
    use std::path::Path;

    #[test]
    fn every_artifact_parses_and_fits_the_protocol_limits() {
        for contract in Contract::ALL {
            let artifact = contract.artifact();
            assert!(!artifact.runtime_code.is_empty(), "{contract:?}");
            // EIP-170 and EIP-3860.
            assert!(artifact.runtime_code.len() <= 24_576, "{contract:?}");
            assert!(artifact.creation_code.len() <= 49_152, "{contract:?}");
            for &at in artifact.immutables.values().flatten() {
                let word = &artifact.runtime_code[at..at + 32];
                assert!(word.iter().all(|byte| *byte == 0), "{contract:?} at {at}");
            }
        }
    }

    #[test]
    fn artifacts_are_made_from_the_sources_as_they_are() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts");
        for contract in Contract::ALL {
            for (source, recorded) in &contract.artifact().sources {
                let library = source.starts_with('@') || source.starts_with("solady/");
                let path = root.join(if library { "node_modules" } else { "" }).join(source);
                // Libraries are there only where they have been installed; the lock file pins them.
                if library && !path.exists() {
                    continue;
                }
                let text = std::fs::read(&path).unwrap();
                assert_eq!(
                    &hex::encode(Sha256::digest(&text)),
                    recorded,
                    "{source} has changed since {contract:?} was compiled: run `node build.mjs` in contracts/"
                );
            }
        }
    }

    #[test]
    fn immutables_are_patched_in_every_place() {
        let value = U256::from(0x1234_5678u64);
        let contract = Contract::L2CrossDomainMessenger;
        let code = contract.runtime_code(&[("otherMessenger", value)]).unwrap();
        let places = &contract.artifact().immutables["otherMessenger"];
        assert!(!places.is_empty());
        for &at in places {
            assert_eq!(code[at..at + 32], value.to_be_bytes::<32>());
        }
        let changed =
            code.iter().zip(&contract.artifact().runtime_code).filter(|(a, b)| a != b).count();
        assert_eq!(changed, 4 * places.len());
    }

    #[test]
    fn wrong_immutables_are_refused() {
        let contract = Contract::L2StandardBridge;
        assert_eq!(
            contract.runtime_code(&[("messenger", U256::ONE)]),
            Err(ArtifactError::MissingImmutable { contract, name: "otherBridge".into() })
        );
        assert_eq!(
            contract.runtime_code(&[("bridge", U256::ONE)]),
            Err(ArtifactError::UnknownImmutable { contract, name: "bridge".into() })
        );
    }
}
