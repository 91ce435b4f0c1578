//! The two sums over a stored row. On x86 with AVX2 and F16C a row of 1,536 halves takes about as long as reading it from memory does.

/// The inner product of a query and a row of halves, stored in the order of this machine's bytes.
pub fn dot(query: &[f32], halves: &[u8]) -> f32 {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")
    {
        // SAFETY: this processor has just said that it has them.
        return unsafe { x86::dot(query, halves) };
    }
    plain_dot(query, halves)
}

/// In how many bits two codes differ.
pub fn hamming(left: &[u8], right: &[u8]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vpopcntdq") {
        // SAFETY: this processor has just said that it has them.
        return unsafe { x86::hamming_wide(left, right) };
    }
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt") {
        // SAFETY: this processor has just said that it has them.
        return unsafe { x86::hamming(left, right) };
    }
    plain_hamming(left, right)
}

fn plain_dot(query: &[f32], halves: &[u8]) -> f32 {
    query
        .iter()
        .zip(halves.as_chunks::<2>().0)
        .map(|(number, half)| number * widen(u16::from_ne_bytes(*half)))
        .sum()
}

/// A finite half in single precision. The exponent's bias differs by 112: the product puts it right, also where the half has no leading one.
fn widen(half: u16) -> f32 {
    let magnitude = f32::from_bits(u32::from(half & 0x7FFF) << 13) * f32::from_bits((127 + 112) << 23);
    if half & 0x8000 == 0 { magnitude } else { -magnitude }
}

#[inline]
fn plain_hamming(left: &[u8], right: &[u8]) -> u32 {
    let (left, left_rest) = left.as_chunks::<8>();
    let (right, right_rest) = right.as_chunks::<8>();
    let words: u32 = left
        .iter()
        .zip(right)
        .map(|(a, b)| (u64::from_ne_bytes(*a) ^ u64::from_ne_bytes(*b)).count_ones())
        .sum();
    let rest: u32 = left_rest
        .iter()
        .zip(right_rest)
        .map(|(a, b)| (a ^ b).count_ones())
        .sum();
    words + rest
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256, _mm_loadu_si128, _mm256_cvtph_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_setzero_ps,
        _mm256_storeu_ps, _mm512_add_epi64, _mm512_loadu_si512, _mm512_popcnt_epi64, _mm512_reduce_add_epi64,
        _mm512_setzero_si512, _mm512_xor_si512,
    };

    /// Four sums of eight at once: one alone would wait for each product.
    #[target_feature(enable = "avx2,fma,f16c")]
    pub fn dot(query: &[f32], halves: &[u8]) -> f32 {
        let (query, query_rest) = query.as_chunks::<32>();
        let (halves, halves_rest) = halves.as_chunks::<64>();
        let mut sums: [__m256; 4] = [_mm256_setzero_ps(); 4];
        for (query, halves) in query.iter().zip(halves) {
            let eights = query.as_chunks::<8>().0.iter().zip(halves.as_chunks::<16>().0);
            for (sum, (numbers, halves)) in sums.iter_mut().zip(eights) {
                // SAFETY: eight numbers and eight halves lie there; neither load asks for alignment.
                let (numbers, halves) = unsafe {
                    (
                        _mm256_loadu_ps(numbers.as_ptr()),
                        _mm_loadu_si128(halves.as_ptr().cast()),
                    )
                };
                *sum = _mm256_fmadd_ps(numbers, _mm256_cvtph_ps(halves), *sum);
            }
        }
        let mut lanes = [[0f32; 8]; 4];
        for (lane, sum) in lanes.iter_mut().zip(sums) {
            // SAFETY: there is room for eight.
            unsafe { _mm256_storeu_ps(lane.as_mut_ptr(), sum) };
        }
        lanes.as_flattened().iter().sum::<f32>() + super::plain_dot(query_rest, halves_rest)
    }

    /// 512 signs at once.
    #[target_feature(enable = "avx512f,avx512vpopcntdq")]
    pub fn hamming_wide(left: &[u8], right: &[u8]) -> u32 {
        let (left, left_rest) = left.as_chunks::<64>();
        let (right, right_rest) = right.as_chunks::<64>();
        let mut sum = _mm512_setzero_si512();
        for (left, right) in left.iter().zip(right) {
            // SAFETY: 64 bytes lie at each; neither load asks for alignment.
            let (left, right) = unsafe {
                (
                    _mm512_loadu_si512(left.as_ptr().cast()),
                    _mm512_loadu_si512(right.as_ptr().cast()),
                )
            };
            sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_xor_si512(left, right)));
        }
        let words = u32::try_from(_mm512_reduce_add_epi64(sum)).unwrap_or(u32::MAX);
        words + super::plain_hamming(left_rest, right_rest)
    }

    #[target_feature(enable = "avx2,popcnt")]
    pub fn hamming(left: &[u8], right: &[u8]) -> u32 {
        super::plain_hamming(left, right)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By the definition of IEEE 754.
    fn naive_widen(half: u16) -> f64 {
        let (sign, exponent, fraction) = (half >> 15, i32::from(half >> 10 & 0x1F), f64::from(half & 0x3FF));
        let magnitude = if exponent == 0 {
            fraction * 2f64.powi(-24)
        } else {
            (1024.0 + fraction) * 2f64.powi(exponent - 25)
        };
        if sign == 0 { magnitude } else { -magnitude }
    }

    #[test]
    fn every_finite_half_is_widened_exactly() {
        for half in (0..=u16::MAX).filter(|half| half & 0x7C00 != 0x7C00) {
            assert_eq!(f64::from(widen(half)), naive_widen(half), "{half:#x}");
        }
    }

    proptest! {
        #[test]
        fn sums_are_those_of_the_definition(
            (query, halves) in (0usize..150).prop_flat_map(|n| (
                prop::collection::vec(-1.0f32..1.0, n), prop::collection::vec(0u16..0x3C00, n),
            ))
        ) {
            let bytes: Vec<u8> = halves.iter().flat_map(|half| half.to_ne_bytes()).collect();
            let wanted: f64 = query.iter().zip(&halves).map(|(a, b)| f64::from(*a) * naive_widen(*b)).sum();
            for found in [dot(&query, &bytes), plain_dot(&query, &bytes)] {
                prop_assert!((f64::from(found) - wanted).abs() < 1e-4);
            }
        }

        #[test]
        fn distances_of_codes_are_those_of_bits((left, right) in (0usize..300).prop_flat_map(|n| (
            prop::collection::vec(any::<u8>(), n), prop::collection::vec(any::<u8>(), n),
        ))) {
            let wanted: u32 = left.iter().zip(&right).map(|(a, b)| (a ^ b).count_ones()).sum();
            prop_assert_eq!(hamming(&left, &right), wanted);
        }
    }
}
