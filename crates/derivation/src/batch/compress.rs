//! The compressors under the columns. The id byte leaves room for others.

#[cfg(feature = "std")]
use super::columns::Columns;
use super::{DecodeError, MAX_PAYLOAD_BYTES, model};
use alloc::{borrow::Cow, boxed::Box, vec, vec::Vec};
use brotli_decompressor::{
    Allocator, BrotliDecompressStream, BrotliResult, BrotliState, SliceWrapper, SliceWrapperMut,
};

/// The columns as they are.
pub(super) const STORED: u8 = 0;
/// Brotli, RFC 7932, without the large-window extension.
pub(super) const BROTLI: u8 = 1;
/// The model of this format.
pub(super) const MODEL: u8 = 2;

/// Decompresses `data` to the columns of `blocks` blocks, refusing more than
/// [`MAX_PAYLOAD_BYTES`] while it streams and anything after the end of the stream.
pub(super) fn decompress(
    compressor: u8,
    data: &[u8],
    blocks: usize,
) -> Result<Cow<'_, [u8]>, DecodeError> {
    match compressor {
        STORED if data.len() > MAX_PAYLOAD_BYTES => Err(DecodeError::PayloadTooLong),
        STORED => Ok(Cow::Borrowed(data)),
        BROTLI => unbrotli(data, MAX_PAYLOAD_BYTES).map(Cow::Owned),
        MODEL => model::decode(data, blocks).map(Cow::Owned),
        other => Err(DecodeError::Compressor(other)),
    }
}

fn unbrotli(data: &[u8], limit: usize) -> Result<Vec<u8>, DecodeError> {
    const CHUNK: usize = 64 << 10;
    let mut state = BrotliState::new_strict(Heap, Heap, Heap);
    let mut out = Vec::new();
    let (mut available_in, mut offset_in, mut total) = (data.len(), 0, 0);
    let mut chunk = vec![0; CHUNK];
    loop {
        let (mut available_out, mut offset_out) = (CHUNK, 0);
        let result = BrotliDecompressStream(
            &mut available_in,
            &mut offset_in,
            data,
            &mut available_out,
            &mut offset_out,
            &mut chunk,
            &mut total,
            &mut state,
        );
        if offset_out > limit - out.len() {
            return Err(DecodeError::PayloadTooLong);
        }
        out.extend_from_slice(&chunk[..offset_out]);
        match result {
            BrotliResult::ResultSuccess if available_in == 0 => return Ok(out),
            BrotliResult::ResultSuccess => return Err(DecodeError::TrailingBytes(available_in)),
            BrotliResult::NeedsMoreOutput => {}
            BrotliResult::NeedsMoreInput | BrotliResult::ResultFailure => {
                return Err(DecodeError::Compression);
            }
        }
    }
}

/// The decoder's memory, from the global allocator.
#[derive(Clone, Copy, Debug)]
struct Heap;

/// Memory of the decoder.
#[derive(Debug)]
struct Cells<T>(Box<[T]>);

impl<T> Default for Cells<T> {
    fn default() -> Self {
        Self(Box::default())
    }
}

impl<T> SliceWrapper<T> for Cells<T> {
    fn slice(&self) -> &[T] {
        &self.0
    }
}

impl<T> SliceWrapperMut<T> for Cells<T> {
    fn slice_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T: Clone + Default> Allocator<T> for Heap {
    type AllocatedMemory = Cells<T>;

    fn alloc_cell(&mut self, len: usize) -> Cells<T> {
        Cells(vec![T::default(); len].into_boxed_slice())
    }

    fn free_cell(&mut self, _: Cells<T>) {}
}

/// How an encoder makes the columns small.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    Stored,
    /// Brotli at this quality, 0 to 11: decoded at hundreds of megabytes a second.
    Brotli(u8),
    /// The model of this format: the smallest, at some megabytes a second for both sides.
    #[default]
    Model,
}

#[cfg(feature = "std")]
impl Compression {
    /// For chains that make more data than the model can follow.
    pub const FAST: Self = Self::Brotli(5);
}

/// Brotli's quality for columns that the model must not be used for.
#[cfg(feature = "std")]
const FALLBACK_QUALITY: u8 = 9;

/// Compresses the columns of `blocks` blocks; stores them if that is smaller.
#[cfg(feature = "std")]
pub(super) fn compress(
    columns: &Columns<Vec<u8>>,
    blocks: usize,
    compression: Compression,
) -> (u8, Vec<u8>) {
    let payload = columns.concat();
    let packed = |quality| brotli(&payload, quality).map(|data| (BROTLI, data));
    let best = match compression {
        Compression::Stored => None,
        Compression::Brotli(quality) => packed(quality),
        Compression::Model => model::encode(columns, blocks)
            .map(|data| (MODEL, data))
            .or_else(|| packed(FALLBACK_QUALITY)),
    };
    best.filter(|(_, data)| data.len() < payload.len()).unwrap_or((STORED, payload))
}

/// `None` cannot come from reading and writing memory.
#[cfg(feature = "std")]
fn brotli(mut payload: &[u8], quality: u8) -> Option<Vec<u8>> {
    let params = brotli::enc::BrotliEncoderParams {
        quality: i32::from(quality.min(11)),
        lgwin: window_bits(payload.len()),
        size_hint: payload.len(),
        ..Default::default()
    };
    let mut out = Vec::with_capacity(payload.len() / 2);
    brotli::BrotliCompress(&mut payload, &mut out, &params).ok().map(|_| out)
}

/// The smallest window that reaches over the whole payload: what the decoder has to allocate.
#[cfg(feature = "std")]
fn window_bits(len: usize) -> i32 {
    let mut bits = 16;
    while bits < 24 && (1usize << bits) - 16 < len {
        bits += 1;
    }
    bits
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    #[test]
    fn compression_is_undone_at_each_quality() {
        let payload: Vec<u8> = (0..100_000u32).map(|i| (i % 251) as u8 ^ (i / 999) as u8).collect();
        for quality in [0, 5, 9, 10, 11] {
            let data = brotli(&payload, quality).unwrap();
            assert!(data.len() < payload.len());
            assert_eq!(*decompress(BROTLI, &data, 1).unwrap(), payload);
        }
    }

    #[test]
    fn compression_bomb_is_refused() {
        let data = brotli(&vec![0; MAX_PAYLOAD_BYTES + 1], 9).unwrap();
        assert!(data.len() < 10_000);
        assert_eq!(decompress(BROTLI, &data, 1), Err(DecodeError::PayloadTooLong));
        let data = brotli(&vec![0; MAX_PAYLOAD_BYTES], 9).unwrap();
        assert_eq!(decompress(BROTLI, &data, 1).unwrap().len(), MAX_PAYLOAD_BYTES);
    }

    #[test]
    fn bytes_after_the_compressed_stream_are_refused() {
        let mut data = brotli(&[1; 1000], 9).unwrap();
        data.push(0);
        assert_eq!(decompress(BROTLI, &data, 1), Err(DecodeError::TrailingBytes(1)));
    }

    #[test]
    fn truncated_stream_is_refused() {
        let data = brotli(&(0..=255).cycle().take(5000).collect::<Vec<_>>(), 9).unwrap();
        for len in 0..data.len() {
            assert_eq!(decompress(BROTLI, &data[..len], 1), Err(DecodeError::Compression));
        }
    }

    #[test]
    fn large_window_streams_are_refused() {
        let params = brotli::enc::BrotliEncoderParams {
            quality: 5,
            lgwin: 28,
            large_window: true,
            ..Default::default()
        };
        let payload = vec![7u8; 100_000];
        let mut data = Vec::new();
        brotli::BrotliCompress(&mut payload.as_slice(), &mut data, &params).unwrap();
        assert_eq!(decompress(BROTLI, &data, 1), Err(DecodeError::Compression));
    }

    proptest::proptest! {
        #[test]
        fn streams_that_are_none_never_panic(
            noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
            mutations in proptest::collection::vec(
                proptest::prelude::any::<(proptest::sample::Index, u8)>(),
                1..4,
            ),
        ) {
            let _ = decompress(BROTLI, &noise, 1);
            let payload = noise.repeat(5);
            let mut data = brotli(&payload, 9).unwrap();
            for (place, byte) in mutations {
                if !data.is_empty() {
                    let place = place.index(data.len());
                    data[place] = byte;
                }
            }
            let _ = decompress(BROTLI, &data, 1);
        }
    }

    #[test]
    fn unknown_compressor_is_refused() {
        assert_eq!(decompress(7, &[], 1), Err(DecodeError::Compressor(7)));
    }
}
