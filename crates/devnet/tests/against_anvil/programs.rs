//! Random contracts: statements whose results go to storage, so that a difference in what they
//! do is one in the state root.

use alloy::primitives::{Address, U256};
use rand::{Rng, rngs::StdRng};

/// Slots that programs use.
pub(crate) const SLOTS: u8 = 6;
/// Precompiled contracts have the addresses up to 17, and 256; code calls up to this and 256.
pub(crate) const PRECOMPILES: u16 = 20;

/// What random code is made from.
pub(crate) struct Surroundings<'a> {
    /// Whom it may call, look at, or leave its ether to.
    pub(crate) addresses: &'a [Address],
    /// Whether it may read hashes and randomness of blocks.
    pub(crate) block_hashes: bool,
}

const STOP: u8 = 0x00;
const ADD: u8 = 0x01;
const SHA3: u8 = 0x20;
const CALLDATALOAD: u8 = 0x35;
const CALLDATASIZE: u8 = 0x36;
const CALLDATACOPY: u8 = 0x37;
const CODECOPY: u8 = 0x39;
const RETURNDATASIZE: u8 = 0x3d;
const RETURNDATACOPY: u8 = 0x3e;
const BLOCKHASH: u8 = 0x40;
const NUMBER: u8 = 0x43;
const PREVRANDAO: u8 = 0x44;
const BLOBHASH: u8 = 0x49;
const MSTORE: u8 = 0x52;
const SLOAD: u8 = 0x54;
const SSTORE: u8 = 0x55;
const GAS: u8 = 0x5a;
const TLOAD: u8 = 0x5c;
const TSTORE: u8 = 0x5d;
const MCOPY: u8 = 0x5e;
const PUSH1: u8 = 0x60;
const PUSH20: u8 = 0x73;
const PUSH32: u8 = 0x7f;
const LOG0: u8 = 0xa0;
const CREATE: u8 = 0xf0;
const CALL: u8 = 0xf1;
const CALLCODE: u8 = 0xf2;
const RETURN: u8 = 0xf3;
const DELEGATECALL: u8 = 0xf4;
const CREATE2: u8 = 0xf5;
const STATICCALL: u8 = 0xfa;
const REVERT: u8 = 0xfd;
pub(crate) const INVALID: u8 = 0xfe;
const SELFDESTRUCT: u8 = 0xff;

/// ADDRESS, ORIGIN, CALLER, CALLVALUE, CALLDATASIZE, CODESIZE, GASPRICE, COINBASE, TIMESTAMP,
/// NUMBER, GASLIMIT, CHAINID, SELFBALANCE, BASEFEE, BLOBBASEFEE, MSIZE, GAS.
const VALUES: [u8; 17] = [
    0x30, 0x32, 0x33, 0x34, 0x36, 0x38, 0x3a, 0x41, 0x42, 0x43, 0x45, 0x46, 0x47, 0x48, 0x4a, 0x59,
    0x5a,
];
/// BALANCE, EXTCODESIZE, EXTCODEHASH.
const OF_ADDRESS: [u8; 3] = [0x31, 0x3b, 0x3f];
/// ISZERO, NOT, CLZ.
const UNARY: [u8; 3] = [0x15, 0x19, 0x1e];
/// Arithmetic, comparison, bits: ADD to SIGNEXTEND without the two that take three, LT to SAR.
const BINARY: [u8; 21] = [
    0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0a, 0x0b, 0x10, 0x11, 0x12, 0x13, 0x14, 0x16, 0x17,
    0x18, 0x1a, 0x1b, 0x1c, 0x1d,
];
/// Sizes of input that some precompile wants, and others.
const SIZES: [u8; 12] = [0, 1, 32, 64, 96, 100, 128, 160, 192, 213, 224, 255];

struct Code(Vec<u8>);

impl Code {
    fn op(&mut self, op: u8) -> &mut Self {
        self.0.push(op);
        self
    }

    fn push(&mut self, value: u8) -> &mut Self {
        self.0.extend([PUSH1, value]);
        self
    }

    fn address(&mut self, address: Address) -> &mut Self {
        self.0.push(PUSH20);
        self.0.extend(address);
        self
    }

    fn word(&mut self, word: [u8; 32]) -> &mut Self {
        self.0.push(PUSH32);
        self.0.extend(word);
        self
    }

    /// Stores what is on the stack.
    fn keep(&mut self, rng: &mut StdRng) -> &mut Self {
        self.push(rng.random_range(0..SLOTS)).op(SSTORE)
    }
}

/// Code that runs from its first byte to its last.
pub(crate) fn program(rng: &mut StdRng, around: &Surroundings<'_>) -> Vec<u8> {
    let mut code = Code(Vec::new());
    // What it was called with is what it calls with.
    code.op(CALLDATASIZE).push(0).push(0).op(CALLDATACOPY);
    for _ in 0..rng.random_range(1..14) {
        statement(&mut code, rng, around);
    }
    end(&mut code, rng, around);
    code.0
}

/// A constructor of random code, returning random code, or whatever else a constructor does.
pub(crate) fn constructor(rng: &mut StdRng, around: &Surroundings<'_>) -> Vec<u8> {
    let mut code = Code(Vec::new());
    for _ in 0..rng.random_range(0..6) {
        statement(&mut code, rng, around);
    }
    if rng.random_ratio(1, 6) {
        end(&mut code, rng, around);
        return code.0;
    }
    let runtime = program(rng, around);
    let size = u16::try_from(runtime.len()).unwrap().to_be_bytes();
    // The code itself begins after the 15 bytes that return it.
    let start = u16::try_from(code.0.len() + 15).unwrap().to_be_bytes();
    let push2 = |value: [u8; 2]| [0x61, value[0], value[1]];
    code.0.extend(push2(size));
    code.0.extend(push2(start));
    code.push(0).op(CODECOPY);
    code.0.extend(push2(size));
    code.push(0).op(RETURN);
    code.0.extend(runtime);
    code.0
}

fn end(code: &mut Code, rng: &mut StdRng, around: &Surroundings<'_>) {
    match rng.random_range(0..12) {
        0 => code.push(rng.random()).push(0).op(REVERT),
        1 => code.op(INVALID),
        2 => code.address(pick(rng, around.addresses)).op(SELFDESTRUCT),
        3..=5 => code.push(rng.random()).push(0).op(RETURN),
        _ => code.op(STOP),
    };
}

fn statement(code: &mut Code, rng: &mut StdRng, around: &Surroundings<'_>) {
    let slot = rng.random_range(0..SLOTS);
    match rng.random_range(0..18) {
        // Zero as often as not: slots go as they come.
        0 | 1 => code.push(rng.random_range(0..2) * slot).push(slot).op(SSTORE),
        2 => code.push(slot).op(SLOAD).push(1).op(ADD).keep(rng),
        3 => code.op(*pick_ref(rng, &VALUES)).keep(rng),
        4 => code.address(pick(rng, around.addresses)).op(*pick_ref(rng, &OF_ADDRESS)).keep(rng),
        5 => {
            let topics = rng.random_range(0..5);
            for _ in 0..topics {
                code.push(rng.random());
            }
            code.push(rng.random()).push(rng.random()).op(LOG0 + topics)
        }
        6 => {
            word(code, rng);
            word(code, rng);
            code.op(*pick_ref(rng, &BINARY)).keep(rng)
        }
        7 => {
            word(code, rng);
            code.op(*pick_ref(rng, &UNARY)).keep(rng)
        }
        8 => code.push(rng.random()).push(slot).op(TSTORE).push(slot).op(TLOAD).keep(rng),
        9 => code.push(rng.random()).push(rng.random()).push(rng.random()).op(MCOPY),
        10 => code.push(rng.random()).push(0).op(SHA3).keep(rng),
        11 => code.push(rng.random_range(0..64)).op(CALLDATALOAD).keep(rng),
        12 => code.push(rng.random_range(0..3)).op(BLOBHASH).keep(rng),
        13 if around.block_hashes => {
            let op = if rng.random() { PREVRANDAO } else { BLOCKHASH };
            if op == BLOCKHASH {
                // SUB takes the top from below: NUMBER less one of the last few.
                code.push(rng.random_range(0..6)).op(NUMBER).op(0x03);
            }
            code.op(op).keep(rng)
        }
        13 | 14 => creation(code, rng),
        _ => call(code, rng, around),
    };
}

fn word(code: &mut Code, rng: &mut StdRng) {
    match rng.random_range(0..4) {
        0 => code.word(rng.random()),
        1 => code.word(U256::MAX.to_be_bytes()),
        2 => code.op(GAS),
        _ => code.push(rng.random()),
    };
}

/// A call, and its outcome and answer into storage.
fn call<'c>(code: &'c mut Code, rng: &mut StdRng, around: &Surroundings<'_>) -> &'c mut Code {
    let target = if rng.random_ratio(1, 3) {
        let number = if rng.random_ratio(1, 8) { 256 } else { rng.random_range(1..=PRECOMPILES) };
        Address::left_padding_from(&number.to_be_bytes())
    } else {
        pick(rng, around.addresses)
    };
    let op = *pick_ref(rng, &[CALL, CALL, CALL, CALLCODE, DELEGATECALL, STATICCALL]);
    code.push(32).push(0).push(*pick_ref(rng, &SIZES)).push(0);
    if matches!(op, CALL | CALLCODE) {
        code.push(rng.random_range(0..3));
    }
    code.address(target).op(GAS).op(op).keep(rng);
    if rng.random() {
        code.op(RETURNDATASIZE).push(0).push(0).op(RETURNDATACOPY);
        code.op(RETURNDATASIZE).push(0).op(SHA3).keep(rng);
    }
    code
}

/// A contract made by a contract.
fn creation<'c>(code: &'c mut Code, rng: &mut StdRng) -> &'c mut Code {
    let value = rng.random();
    let inner: &[u8] = match rng.random_range(0..4) {
        // Writes a slot and is left with one byte of code.
        0 => &[PUSH1, value, PUSH1, 1, SSTORE, PUSH1, 1, PUSH1, 0, RETURN],
        // Writes a slot and goes.
        1 => &[PUSH1, value, PUSH1, 2, SSTORE, 0x33, SELFDESTRUCT],
        2 => &[PUSH1, value, PUSH1, 0, REVERT],
        // Code that begins with 0xef is refused (EIP-3541).
        _ => &[PUSH1, 0xef, PUSH1, 0, 0x53, PUSH1, 1, PUSH1, 0, RETURN],
    };
    let mut bytes = [0; 32];
    bytes[..inner.len()].copy_from_slice(inner);
    code.word(bytes).push(0).op(MSTORE);
    let size = u8::try_from(inner.len()).unwrap();
    let value = rng.random_range(0..2);
    if rng.random() {
        // Few salts: what is there already is met again.
        code.push(rng.random_range(0..3)).push(size).push(0).push(value).op(CREATE2)
    } else {
        code.push(size).push(0).push(value).op(CREATE)
    }
    .keep(rng)
}

fn pick(rng: &mut StdRng, addresses: &[Address]) -> Address {
    *pick_ref(rng, addresses)
}

pub(crate) fn pick_ref<'a, T>(rng: &mut StdRng, items: &'a [T]) -> &'a T {
    &items[rng.random_range(0..items.len())]
}
