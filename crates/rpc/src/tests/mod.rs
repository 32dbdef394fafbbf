//! A node in memory behind a real server, asked over real sockets.

mod accounts;
mod attacks;
mod blocks;
mod calls;
mod conform;
mod deposits;
mod events;
mod garbage;
mod limits;
mod logs;
mod node;
mod raw;
mod send;
mod shapes;
mod simulate;
mod transport;
mod unread;
mod ws;

use alloy_primitives::hex;
use mezz_primitives::{Address, address};

/// Copies its calldata into a revert.
const REVERTER: Address = address!("0x00000000000000000000000000000000000000a1");
/// Emits a log whose topic is the first word of its calldata.
const LOGGER: Address = address!("0x00000000000000000000000000000000000000a2");
/// Stores the second word of its calldata at the slot that the first names.
const STORE: Address = address!("0x00000000000000000000000000000000000000a3");
/// Never ends.
const LOOP: Address = address!("0x00000000000000000000000000000000000000a4");
/// Returns the number of the block.
const NUMBER: Address = address!("0x00000000000000000000000000000000000000a5");

const CODES: [(Address, &[u8]); 5] = [
    (REVERTER, &hex!("366000600037366000fd")),
    (LOGGER, &hex!("60003560006000a100")),
    (STORE, &hex!("6020356000355500")),
    (LOOP, &hex!("5b600056")),
    (NUMBER, &hex!("4360005260206000f3")),
];
