//! Any bytes as the body of a JSON-RPC request to a real server over a real connection: an answer
//! that is JSON, no internal error, and the next ordinary request is answered as ever.

#![no_main]

use alloy_primitives::{Address, Bytes, U256};
use libfuzzer_sys::{Corpus, fuzz_target};
use mezz_chain::{BuildOptions, Chain, ChainConfig, ChainLimits, Genesis, GenesisAccount};
use mezz_evm::{BlockAttributes, ChainSpec, StateReader};
use mezz_pool::{AccountState, LookupError, Pool, PoolConfig};
use mezz_primitives::B256;
use mezz_rpc::{Cores, L1Hooks, RpcConfig, RpcContext, RpcHandle, RpcServer};
use serde_json::Value;
use std::{
    cell::RefCell,
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{Arc, OnceLock},
};
use tokio::runtime::Runtime;

const CHAIN_ID: u64 = 31_337;
/// `sstore(calldata[0..32], calldata[32..64])`, and a log of nothing.
const STORE: &[u8] = &[0x60, 0x20, 0x35, 0x5f, 0x35, 0x55, 0x5f, 0x5f, 0xa0, 0x00];
const ASK: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}"#;

/// Where the server is, started once. What serves is kept where the leak detector finds it.
fn server() -> SocketAddr {
    static SERVER: OnceLock<(Runtime, RpcHandle)> = OnceLock::new();
    let (_, handle) = SERVER.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let handle = runtime.block_on(start());
        (runtime, handle)
    });
    handle.local_addr()
}

async fn start() -> RpcHandle {
    let mut alloc = BTreeMap::new();
    for byte in 1..8 {
        let code = if byte > 4 { Bytes::from_static(STORE) } else { Bytes::new() };
        let balance = U256::from(10u64.pow(18));
        let account = GenesisAccount { balance, code, ..GenesisAccount::default() };
        alloc.insert(Address::repeat_byte(byte), account);
    }
    let genesis = Genesis {
        timestamp: 1_700_000_000,
        gas_limit: 30_000_000,
        base_fee: 1_000_000_000,
        alloc,
        ..Genesis::default()
    };
    let spec = ChainSpec::l1(CHAIN_ID);
    let config = ChainConfig { spec, genesis, data_dir: None, limits: ChainLimits::default() };
    let chain = Chain::open(config).expect("opens");
    for number in 0..3 {
        let attributes = BlockAttributes {
            timestamp: 1_700_000_001 + number,
            beneficiary: Address::ZERO,
            gas_limit: 30_000_000,
            prev_randao: B256::ZERO,
            parent_beacon_block_root: B256::ZERO,
            extra_data: Bytes::new(),
        };
        let built = chain.build(&attributes, &[], &mut |_| None, &BuildOptions::default());
        chain.commit(built.expect("builds")).expect("commits");
    }
    let accounts = chain.clone();
    let pool_config = PoolConfig { chain_id: CHAIN_ID, ..PoolConfig::default() };
    let pool = Pool::new(pool_config, move |address: &Address| {
        let state = accounts.state().map_err(|error| LookupError(error.to_string()))?;
        let account = state.account(address).map_err(|error| LookupError(error.to_string()))?;
        Ok(AccountState::from(account))
    });
    let context =
        RpcContext { chain, pool, hooks: Arc::new(L1Hooks::default()), cores: Cores::of_runtime() };
    let config = RpcConfig::new(([127, 0, 0, 1], 0).into());
    RpcServer::start(config, context, Vec::new(), Vec::new()).await.expect("starts")
}

/// Status and body of the answer to a POST over one connection that is kept open.
fn post(body: &[u8]) -> (u16, Vec<u8>) {
    thread_local! {
        static OPEN: RefCell<Option<BufReader<TcpStream>>> = const { RefCell::new(None) };
    }
    OPEN.with_borrow_mut(|open| {
        for _ in 0..3 {
            let mut stream = open.take().unwrap_or_else(|| {
                BufReader::new(TcpStream::connect(server()).expect("the server listens"))
            });
            if let Some((answer, keep)) = exchange(&mut stream, body) {
                *open = keep.then_some(stream);
                return answer;
            }
            // The server may have closed a connection that it was done with.
        }
        panic!("no answer to {:?}", String::from_utf8_lossy(body));
    })
}

/// `None` if the connection was closed before there was an answer; and whether it stays open.
fn exchange(stream: &mut BufReader<TcpStream>, body: &[u8]) -> Option<((u16, Vec<u8>), bool)> {
    let head = format!(
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.get_mut().write_all(&[head.as_bytes(), body].concat()).ok()?;
    let (mut status, mut length, mut keep) = (0, 0, true);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(rest) = line.strip_prefix("http/1.1 ") {
            status = rest[..3].parse().expect("a status");
        } else if let Some(rest) = line.strip_prefix("content-length: ") {
            length = rest.parse().expect("a length");
        } else if line == "connection: close" {
            keep = false;
        } else if line.is_empty() {
            break;
        }
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer).ok()?;
    Some(((status, answer), keep))
}

fn assert_no_internal_error(answer: &Value, asked: &[u8]) {
    let code = answer["error"]["code"].as_i64();
    assert_ne!(code, Some(-32603), "{answer} to {:?}", String::from_utf8_lossy(asked));
}

fuzz_target!(|data: &[u8]| -> Corpus {
    let (status, body) = post(data);
    assert!(status < 500 || status == 503, "status {status}");
    if status == 200 {
        let answer: Value = serde_json::from_slice(&body).expect("JSON");
        match &answer {
            Value::Array(answers) => {
                answers.iter().for_each(|answer| assert_no_internal_error(answer, data));
            }
            answer => assert_no_internal_error(answer, data),
        }
    }
    let (status, body) = post(ASK);
    assert_eq!(status, 200);
    assert!(String::from_utf8_lossy(&body).contains("\"0x3\""), "it answers as before");
    Corpus::Keep
});
