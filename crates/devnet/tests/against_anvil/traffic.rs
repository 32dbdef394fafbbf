//! Random transactions of every type, from senders that can always pay.

use crate::{
    nodes::Remote,
    programs::{self, Surroundings, pick_ref},
};
use alloy::{
    consensus::{BlobTransactionSidecarVariant, SidecarBuilder, SimpleCoder},
    eips::{
        eip2718::Encodable2718,
        eip2930::{AccessList, AccessListItem},
        eip7702::Authorization,
    },
    network::{
        EthereumWallet, NetworkTransactionBuilder, TransactionBuilder, TransactionBuilder4844,
        TransactionBuilder7702,
    },
    primitives::{Address, B256, Bytes, U256},
    rpc::types::{TransactionReceipt, TransactionRequest},
    signers::{SignerSync, local::PrivateKeySigner},
};
use mezz_contracts::l1_genesis_alloc;
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::collections::BTreeMap;

pub(crate) const CHAIN_ID: u64 = 31_337;
/// Transactions in a block.
const PER_BLOCK: u128 = 12;
/// Gas of any of them; all together fit into a block.
const GAS: u64 = 600_000;
/// Blobs in a block of Anvil's.
const ANVILS_BLOBS: usize = 9;
const GWEI: u128 = 1_000_000_000;

/// Makes transactions, and knows whom they have to do with.
pub(crate) struct Traffic {
    rng: StdRng,
    senders: Vec<(PrivateKeySigner, u64)>,
    /// Accounts that delegate themselves. They send nothing, since code could take their ether.
    authorities: Vec<PrivateKeySigner>,
    /// Addresses that transactions and code refer to, of accounts that there are.
    pub(crate) addresses: Vec<Address>,
    /// One, two and three blobs; proofs take long to make.
    sidecars: Vec<BlobTransactionSidecarVariant>,
    block_hashes: bool,
}

/// A transaction as it is sent.
pub(crate) struct Sent {
    pub(crate) raw: Bytes,
    pub(crate) hash: B256,
}

impl Traffic {
    /// `block_hashes`: whether code may read hashes and randomness of blocks.
    pub(crate) fn new(seed: u64, block_hashes: bool) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut signers = |count| -> Vec<_> {
            let mut signer = |_| PrivateKeySigner::from_slice(&rng.random::<[u8; 32]>()).unwrap();
            (0..count).map(&mut signer).collect()
        };
        let senders = signers(6);
        let authorities = signers(6);
        // They are funded, as all addresses are: Anvil takes an account that is not there for one
        // that is, and gives the refund of EIP-7702 for it.
        let mut addresses: Vec<_> = authorities.iter().map(|key| key.address()).collect();
        addresses.extend(l1_genesis_alloc().into_keys());
        addresses.extend((0..4).map(|_| Address::from(rng.random::<[u8; 20]>())));
        let sidecar = |blobs: usize| {
            let data = vec![0x5a; blobs * 120_000];
            let sidecar = SidecarBuilder::<SimpleCoder>::from_slice(&data).build_7594().unwrap();
            assert_eq!(sidecar.blobs.len(), blobs);
            sidecar.into()
        };
        Self {
            senders: senders.into_iter().map(|key| (key, 0)).collect(),
            authorities,
            addresses,
            sidecars: (1..=3).map(sidecar).collect(),
            block_hashes,
            rng,
        }
    }

    /// Takes the contracts that transactions have created among the addresses. Constructors may
    /// leave none.
    pub(crate) async fn created(&mut self, receipts: &[TransactionReceipt], node: &Remote) {
        for address in receipts.iter().filter_map(|receipt| receipt.contract_address) {
            if node.nonce(address).await > 0 {
                self.addresses.push(address);
            }
        }
    }

    /// Accounts that pay for everything.
    pub(crate) fn senders(&self) -> Vec<Address> {
        self.senders.iter().map(|(key, _)| key.address()).collect()
    }

    /// Transactions for a block of `base_fee`, each with a smaller tip than the one before it, so
    /// that they are wanted in this order. `nonces` are those of the accounts as they are.
    pub(crate) async fn block(
        &mut self,
        base_fee: u64,
        nonces: &BTreeMap<Address, u64>,
    ) -> Vec<Sent> {
        let mut sent = Vec::new();
        let mut blobs = 0;
        // Random code mostly ends early: some blocks burn gas, so that the base fee rises.
        let burns = self.rng.random_ratio(1, 4);
        for left in (1..=PER_BLOCK).rev() {
            let tip = left * GWEI;
            let mut request = self.payload();
            if burns && left % 4 != 0 {
                request = TransactionRequest::default().with_deploy_code([programs::INVALID]);
            }
            match self.rng.random_range(0..6) {
                0 => request.set_gas_price(u128::from(base_fee) + tip),
                1 => {
                    request.set_gas_price(u128::from(base_fee) + tip);
                    request.set_access_list(self.access_list());
                }
                kind => {
                    request.set_max_fee_per_gas(u128::from(base_fee) * 2 + tip);
                    request.set_max_priority_fee_per_gas(tip);
                    if self.rng.random() {
                        request.set_access_list(self.access_list());
                    }
                    let creates = request.to.is_none_or(|to| to.is_create());
                    if kind == 2 && !creates {
                        request.set_authorization_list(self.authorizations(nonces));
                    }
                    let sidecar = pick_ref(&mut self.rng, &self.sidecars).clone();
                    let more = sidecar.versioned_hashes().count();
                    if kind == 3 && !creates && blobs + more <= ANVILS_BLOBS {
                        blobs += more;
                        request.set_max_fee_per_blob_gas(1_000 * GWEI);
                        request.set_blob_sidecar(sidecar);
                    }
                }
            }
            sent.push(self.sign(request).await);
        }
        sent
    }

    /// What to do, without how to pay for it.
    fn payload(&mut self) -> TransactionRequest {
        let Self { rng, addresses, block_hashes, .. } = self;
        let around = Surroundings { addresses, block_hashes: *block_hashes };
        let request =
            TransactionRequest::default().with_value(U256::from(rng.random_range(0..1_000)));
        match rng.random_range(0..10) {
            0..=3 => request.with_deploy_code(programs::constructor(rng, &around)),
            // The deterministic deployer: a salt and the code of a constructor.
            4 => {
                let mut input = vec![0; 31];
                input.push(rng.random_range(0..4));
                input.extend(programs::constructor(rng, &around));
                request
                    .with_to(mezz_primitives::addresses::DETERMINISTIC_DEPLOYER)
                    .with_input(input)
            }
            _ => {
                let input: Vec<u8> = (0..rng.random_range(0..300)).map(|_| rng.random()).collect();
                request.with_to(*pick_ref(rng, addresses)).with_input(input)
            }
        }
    }

    fn access_list(&mut self) -> AccessList {
        let Self { rng, addresses, .. } = self;
        let items = (0..rng.random_range(0..4)).map(|_| AccessListItem {
            address: *pick_ref(rng, addresses),
            storage_keys: (0..rng.random_range(0..programs::SLOTS))
                .map(B256::with_last_byte)
                .collect(),
        });
        AccessList(items.collect())
    }

    /// Delegations, some of which are not valid: of another chain or another nonce.
    fn authorizations(
        &mut self,
        nonces: &BTreeMap<Address, u64>,
    ) -> Vec<alloy::eips::eip7702::SignedAuthorization> {
        let Self { rng, addresses, authorities, .. } = self;
        let list = (0..rng.random_range(1..4)).map(|_| {
            let authority = pick_ref(rng, authorities);
            let nonce = nonces.get(&authority.address()).copied().unwrap_or_default();
            let authorization = Authorization {
                chain_id: U256::from(*pick_ref(rng, &[CHAIN_ID, CHAIN_ID, 0, 1])),
                address: match rng.random_range(0..5) {
                    0 => Address::ZERO,
                    1 => Address::with_last_byte(4),
                    _ => *pick_ref(rng, addresses),
                },
                nonce: nonce + u64::from(rng.random_range(0..6u8) / 4),
            };
            let signature = authority.sign_hash_sync(&authorization.signature_hash()).unwrap();
            authorization.into_signed(signature)
        });
        list.collect()
    }

    async fn sign(&mut self, request: TransactionRequest) -> Sent {
        let index = self.rng.random_range(0..self.senders.len());
        let (key, nonce) = &mut self.senders[index];
        let request = request
            .with_from(key.address())
            .with_nonce(*nonce)
            .with_chain_id(CHAIN_ID)
            .with_gas_limit(*pick_ref(&mut self.rng, &[150_000, GAS, GAS, GAS]));
        let tx = request.build(&EthereumWallet::from(key.clone())).await.unwrap();
        *nonce += 1;
        Sent { raw: tx.encoded_2718().into(), hash: *tx.tx_hash() }
    }

    /// The accounts that delegate themselves.
    pub(crate) fn authorities(&self) -> Vec<Address> {
        self.authorities.iter().map(|key| key.address()).collect()
    }

    /// All accounts that transactions may have changed.
    pub(crate) fn everyone(&self) -> Vec<Address> {
        let mut everyone = self.addresses.clone();
        everyone.extend(self.senders());
        everyone.extend([crate::COINBASE, Address::ZERO]);
        everyone.extend(
            (1..=programs::PRECOMPILES)
                .map(|number| Address::left_padding_from(&number.to_be_bytes())),
        );
        everyone
    }
}
