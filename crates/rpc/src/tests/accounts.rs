//! Accounts, their storage, their proofs, and blocks by EIP-1898.

use super::{
    NUMBER, STORE,
    node::{Node, node, word},
};
use alloy_primitives::{B256, Bytes, U256, keccak256};
use alloy_rpc_types_eth::EIP1186AccountProofResponse;
use alloy_trie::{Nibbles, TrieAccount, proof::verify_proof};
use mezz_primitives::Address;
use serde_json::{Value, json};

const FRIEND: Address = Address::repeat_byte(0x77);

/// Slot 5 becomes 1 in block 1 and 2 in block 2; block 2 also gives the friend 7 wei.
async fn history() -> Node {
    let node = node().await;
    node.send(0, STORE, 0, &[word(5).0, word(1).0].concat()).await;
    node.mine();
    node.send(1, STORE, 0, &[word(5).0, word(2).0].concat()).await;
    node.send(2, FRIEND, 7, &[]).await;
    node.mine();
    node
}

#[tokio::test]
async fn state_is_read_at_every_block() {
    let node = history().await;
    for (block, slot, balance, nonce) in
        [("0x0", 0, "0x0", "0x0"), ("0x1", 1, "0x0", "0x1"), ("latest", 2, "0x7", "0x3")]
    {
        assert_eq!(node.ask("eth_getBalance", json!([FRIEND, block])).await, balance);
        let dev = node.dev.address();
        assert_eq!(node.ask("eth_getTransactionCount", json!([dev, block])).await, nonce);
        for key in [json!("0x5"), json!(word(5))] {
            let value = node.ask("eth_getStorageAt", json!([STORE, key, block])).await;
            assert_eq!(value, json!(word(slot)), "{block}");
        }
    }
    assert_eq!(node.ask("eth_getCode", json!([NUMBER, "latest"])).await, "0x4360005260206000f3");
    assert_eq!(node.ask("eth_getCode", json!([FRIEND])).await, "0x");
    assert_eq!(node.ask("eth_getCode", json!([Address::repeat_byte(1), "0x0"])).await, "0x");
}

#[tokio::test]
async fn pending_nonce_counts_the_pool() {
    let node = node().await;
    let dev = node.dev.address();
    node.send(0, FRIEND, 1, &[]).await;
    node.send(1, FRIEND, 1, &[]).await;
    assert_eq!(node.ask("eth_getTransactionCount", json!([dev, "latest"])).await, "0x0");
    assert_eq!(node.ask("eth_getTransactionCount", json!([dev, "pending"])).await, "0x2");
    assert_eq!(node.ask("eth_getTransactionCount", json!([FRIEND, "pending"])).await, "0x0");
}

#[tokio::test]
async fn blocks_are_named_by_number_and_hash() {
    let node = history().await;
    let hash = node.ask("eth_getBlockByNumber", json!(["0x1", false])).await["hash"].clone();
    for id in [
        json!({"blockHash": hash}),
        json!({"blockHash": hash, "requireCanonical": true}),
        json!({"blockNumber": "0x1"}),
        hash.clone(),
    ] {
        let value = node.ask("eth_getStorageAt", json!([STORE, "0x5", id])).await;
        assert_eq!(value, json!(word(1)), "{id}");
    }
    for (id, message) in [
        (json!("0x99"), "header not found"),
        (json!({"blockHash": word(1)}), "header for hash not found"),
        (json!({"blockHash": word(1), "requireCanonical": true}), "header for hash not found"),
    ] {
        let error = node.fail("eth_getBalance", json!([STORE, id])).await;
        assert_eq!((error.code, error.message.as_str()), (-32000, message));
    }
    let both = json!({"blockHash": hash, "blockNumber": "0x1"});
    assert_eq!(node.fail("eth_getBalance", json!([STORE, both])).await.code, -32602);
}

fn verify(root: B256, proof: &EIP1186AccountProofResponse) {
    let key = Nibbles::unpack(keccak256(proof.address));
    let exists = proof.nonce > 0 || !proof.balance.is_zero() || proof.code_hash != keccak256([]);
    let account = exists.then(|| {
        alloy_rlp::encode(TrieAccount {
            nonce: proof.nonce,
            balance: proof.balance,
            storage_root: proof.storage_hash,
            code_hash: proof.code_hash,
        })
    });
    verify_proof(root, key, account, &proof.account_proof).unwrap();
    for slot in &proof.storage_proof {
        let key = Nibbles::unpack(keccak256(slot.key.as_b256()));
        let value = (!slot.value.is_zero()).then(|| alloy_rlp::encode(slot.value));
        verify_proof(proof.storage_hash, key, value, &slot.proof).unwrap();
    }
}

#[tokio::test]
async fn proofs_of_every_block_hold_against_its_state_root() {
    let node = history().await;
    for number in 0..=2u64 {
        let tag = format!("{number:#x}");
        let block = node.ask("eth_getBlockByNumber", json!([tag, false])).await;
        let root: B256 = serde_json::from_value(block["stateRoot"].clone()).unwrap();
        for address in [STORE, node.dev.address(), FRIEND, Address::repeat_byte(9)] {
            let answer = node.ask("eth_getProof", json!([address, ["0x5", word(6)], tag])).await;
            let proof: EIP1186AccountProofResponse = serde_json::from_value(answer).unwrap();
            verify(root, &proof);
            if address == STORE {
                assert_eq!(proof.storage_proof[0].value, U256::from(number));
            }
        }
    }
}

#[tokio::test]
async fn proofs_of_too_many_keys_are_refused() {
    let node = node().await;
    let keys: Vec<Value> = (0..2_000).map(|i| json!(format!("{i:#x}"))).collect();
    let error = node.fail("eth_getProof", json!([STORE, keys, "latest"])).await;
    assert_eq!(error.code, -32005);
}

#[tokio::test]
async fn the_node_signs_messages_for_its_accounts() {
    let node = node().await;
    let dev = node.dev.address();
    assert_eq!(node.ask("eth_accounts", json!([])).await, json!([dev]));
    let message = Bytes::from_static(b"hello");
    let signed = node.ask("personal_sign", json!([message, dev])).await;
    assert_eq!(signed, node.ask("eth_sign", json!([dev, message])).await);
    let bytes: Bytes = serde_json::from_value(signed).unwrap();
    let signature = alloy_primitives::Signature::from_raw(&bytes).unwrap();
    let digest = alloy_primitives::eip191_hash_message(b"hello");
    let signer = alloy_consensus::crypto::secp256k1::recover_signer(&signature, digest).unwrap();
    assert_eq!(signer, dev);
    let error = node.fail("eth_sign", json!([STORE, message])).await;
    assert_eq!((error.code, error.message.as_str()), (-32000, "unknown account"));
}

/// The example of EIP-712, signed for the development account.
#[tokio::test]
async fn typed_data_is_signed_as_an_object_and_as_text() {
    let node = node().await;
    let dev = node.dev.address();
    let person = json!([{"name": "name", "type": "string"}, {"name": "wallet", "type": "address"}]);
    let data = json!({
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"}, {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Person": person,
            "Mail": [
                {"name": "from", "type": "Person"}, {"name": "to", "type": "Person"},
                {"name": "contents", "type": "string"},
            ],
        },
        "primaryType": "Mail",
        "domain": {
            "name": "Ether Mail", "version": "1", "chainId": 1,
            "verifyingContract": "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC",
        },
        "message": {
            "from": {"name": "Cow", "wallet": "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"},
            "to": {"name": "Bob", "wallet": "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"},
            "contents": "Hello, Bob!",
        },
    });
    // The digest that the EIP gives.
    let digest = alloy_primitives::b256!(
        "0xbe609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2"
    );
    let text = json!(data.to_string());
    for data in [data, text] {
        let answer = node.ask("eth_signTypedData_v4", json!([dev, data])).await;
        let bytes: Bytes = serde_json::from_value(answer).unwrap();
        let signature = alloy_primitives::Signature::from_raw(&bytes).unwrap();
        assert_eq!(signature.recover_address_from_prehash(&digest).unwrap(), dev);
    }
    let error = node.fail("eth_signTypedData_v4", json!([dev, {"types": {}}])).await;
    assert_eq!(error.code, -32602);
    let unknown = json!([Address::repeat_byte(9), {
        "types": {"EIP712Domain": [], "A": []}, "primaryType": "A", "domain": {}, "message": {},
    }]);
    assert_eq!(node.fail("eth_signTypedData_v4", unknown).await.message, "unknown account");
}
