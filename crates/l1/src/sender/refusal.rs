//! What a node means when it refuses a transaction. There are no codes for it, only each client's
//! own words.

/// The kinds of refusal that call for different answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It has the transaction.
    AlreadyKnown,
    /// The account's nonce is past it.
    NonceTooLow,
    /// Another transaction with this nonce pays too much to be replaced by this one.
    ReplacementUnderpriced,
    /// The account cannot pay.
    InsufficientFunds,
    /// Not now: fees below the market, pool full, an earlier nonce missing, another pool in use.
    NotNow,
    /// Never.
    Final,
}

impl Refusal {
    /// Reads the words of geth, reth, Nethermind, Besu, Erigon, Anvil and alike.
    pub(super) fn read(message: &str) -> Self {
        let message = message.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
        if has(&[
            "already known",
            "alreadyknown",
            "already imported",
            "already in the",
            "already exists",
        ]) || has(&["known transaction"]) && !has(&["unknown transaction"])
        {
            Self::AlreadyKnown
        } else if has(&["nonce too low", "nonce is too low", "oldnonce", "nonce_too_low"]) {
            Self::NonceTooLow
        } else if message.contains("replacement")
            && has(&["underpriced", "not allowed", "fee too low"])
        {
            Self::ReplacementUnderpriced
        } else if has(&[
            "insufficient funds",
            "insufficientfunds",
            "insufficient balance",
            "upfront cost",
        ]) {
            Self::InsufficientFunds
        } else if has(&[
            "underpriced",
            "feetoolow",
            "fee too low",
            "max fee per",
            "max_fee_per",
            "less than block base fee",
            "gas price too low",
            "pool is full",
            "txpool is full",
            "pool limit",
            "nonce too high",
            "nonce gap",
            "noncegap",
            "gapped",
            "future transaction",
            "in-flight transaction limit",
            "already reserved",
            "limit exceeded",
        ]) {
            Self::NotNow
        } else {
            Self::Final
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_clients() {
        for (message, refusal) in [
            ("known transaction: 0x12", Refusal::AlreadyKnown),
            ("unknown transaction type 4", Refusal::Final),
            ("already known", Refusal::AlreadyKnown),
            ("transaction already imported", Refusal::AlreadyKnown),
            ("nonce too low: next nonce 5, tx nonce 4", Refusal::NonceTooLow),
            ("OldNonce", Refusal::NonceTooLow),
            ("replacement transaction underpriced", Refusal::ReplacementUnderpriced),
            (
                "replacement transaction underpriced: new tx gas fee cap 1 < 2 queued + 100% replacement penalty",
                Refusal::ReplacementUnderpriced,
            ),
            (
                "insufficient funds for gas * price + value: have 1 want 2",
                Refusal::InsufficientFunds,
            ),
            ("Insufficient funds for gas * price + value", Refusal::InsufficientFunds),
            ("transaction underpriced", Refusal::NotNow),
            ("max fee per gas less than block base fee", Refusal::NotNow),
            ("txpool is full", Refusal::NotNow),
            ("nonce too high: tx nonce 9, gapped nonce 7", Refusal::NotNow),
            ("address already reserved", Refusal::NotNow),
            ("invalid KZG proof", Refusal::Final),
            ("exceeds block gas limit", Refusal::Final),
            ("intrinsic gas too low", Refusal::Final),
        ] {
            assert_eq!(Refusal::read(message), refusal, "{message}");
        }
    }
}
